/*
 * find_job.h - the job that a path names.
 */
#ifndef FIND_JOB_H
#define FIND_JOB_H

#include "handlers/app.h"

/* Finds the job whose id stands for a {name} of the route, and notes it for the log.  The caller ends
 * job->record.  False: *reply says that it is not there. */
bool find_job(const struct app *app, struct http_request *request, size_t param, struct job_view *job,
              struct http_reply *reply);

#endif
