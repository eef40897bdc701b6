#include "store/job.h"

#include <stdlib.h>

const char *job_state_name(enum job_state state)
{
    static const char *const names[JOB_STATE_COUNT] = {"queued", "running", "succeeded", "failed",
                                                       "canceled"};

    return names[state];
}

bool job_state_is_final(enum job_state state)
{
    return state >= JOB_SUCCEEDED;
}

void job_result_fini(struct job_result *result)
{
    for (int i = 0; i < result->image_count; i++)
        blob_unref(result->images[i].file);
    free(result->images);
    *result = (struct job_result){0};
}

void job_record_fini(struct job_record *record)
{
    job_request_unref(record->request);
    job_result_fini(&record->result);
    *record = (struct job_record){0};
}
