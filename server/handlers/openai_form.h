/*
 * openai_form.h - a form as the object that its fields would make in JSON.
 */
#ifndef OPENAI_FORM_H
#define OPENAI_FORM_H

#include <stdbool.h>

#include <latentd/json.h>

#include "api/problem.h"
#include "http/http_form.h"

/* Every value becomes a string: a text as it is, a file in base64.  name[] is name.  False: *problem says
 * which part cannot be one (400), or 503 without memory.  The caller frees *out. */
bool openai_form_read(const struct http_form *form, struct ltd_json **out, struct problem *problem);

#endif
