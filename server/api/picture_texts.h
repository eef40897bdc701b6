/*
 * picture_texts.h - what a picture tells of itself: its settings, as AUTOMATIC1111 writes them, and a record
 * by which it can be made again:
 *
 *     {"version": "0.1.0", "model": {"name": ..., "sha256": ...}, "request": {...}}
 *
 * The request is that of this picture alone, with every default filled in.  Pictures that it was made from,
 * tags, deadlines and webhooks are not in it.
 */
#ifndef PICTURE_TEXTS_H
#define PICTURE_TEXTS_H

#include <latentd/image.h>
#include <latentd/json.h>
#include <latentd/session.h>

#include "jobs/jobs.h"

/* A picture_texts_fn. */
LTD_MUST_USE enum ltd_status picture_texts_make(const struct job_request *request,
                                                const struct ltd_model *model, struct ltd_model_label label,
                                                int index, struct picture_texts *out, struct ltd_error *err);

/* Picture `index` of params as a file, with its texts.  Errors: those of ltd_picture_encode. */
LTD_MUST_USE enum ltd_status picture_file_make(const struct ltd_image *image,
                                               const struct ltd_gen_params *params,
                                               const struct ltd_picture_form *form,
                                               const struct ltd_model *model, struct ltd_model_label label,
                                               int index, struct ltd_bytes *out, struct ltd_error *err);

/* Whether pictures of that size, with their settings, can be files of that form.  Errors: those of
 * ltd_picture_check, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status picture_texts_check(const struct ltd_gen_params *params,
                                                 const struct ltd_picture_form *form,
                                                 const struct ltd_model *model, const char *model_name,
                                                 struct ltd_error *err);

/* The request of a record, as a root of its own; NULL: it is no record. */
struct ltd_json *picture_record_request(const char *record);

#endif
