/*
 * request_pictures.h - the pictures of a request: what it starts from, the mask, and those of its controls.
 */
#ifndef REQUEST_PICTURES_H
#define REQUEST_PICTURES_H

#include <latentd/model.h>

#include "api/request_decode.h"

/* Who takes the pictures of a request, and what is wrong with them. */
struct request_pictures {
    const struct request_context *context;
    const struct ltd_model *model;
    struct field_value *values; /* [FIELD_ID_COUNT] */
    struct problem *problem;
    struct job_request *request;
    bool no_memory; /* out */
};

/* Reads them; a picture gives the size that the request does not say. */
void request_pictures_take(struct request_pictures *p);

/* Brings what it starts from to the size that is drawn, unless only a part of it is, and the mask to the
 * picture's. */
void request_pictures_fit(struct request_pictures *p);

#endif
