/*
 * openai_reply.h - replies in the form of OpenAI's API.
 */
#ifndef OPENAI_REPLY_H
#define OPENAI_REPLY_H

#include "handlers/app.h"

/* Fills *reply with an error object from problem, which is ended.  Clients of this family try again by
 * themselves: Retry-After is at most what the least patient of them obeys, and x-should-retry says no where
 * another try would come to the same. */
void openai_reply_problem(const struct app *app, struct problem *problem, struct http_reply *reply);

/* The same from a printf format. */
void openai_reply_error(const struct app *app, struct http_reply *reply, int status, const char *code,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
