/*
 * params_checks.h - what the parts of ltd_params_check share.
 */
#ifndef PARAMS_CHECKS_H
#define PARAMS_CHECKS_H

#include "pipeline/model_parts.h"

struct params_check {
    const struct ltd_model *model;
    const struct ltd_gen_params *params;
    ltd_finding_fn *found;
    void *arg;
    bool good;
    bool guided;     /* the prompt, once it has been read, has guidance */
    size_t parts;    /* of the prompt */
    int evaluations; /* of the model, once the plan has been tried */
};

/* Tells of a field's value; what is no warning makes the request a wrong one. */
__attribute__((format(printf, 4, 5))) void params_find(struct params_check *c, bool warning,
                                                       const char *field, const char *format, ...);

static inline bool params_is_id(int id, int count)
{
    return id >= 0 && id < count;
}

void params_check_loras(struct params_check *c);
void params_check_controls(struct params_check *c);

#endif
