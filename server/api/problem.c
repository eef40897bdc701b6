#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ERRORS = 64 };

void problem_fini(struct problem *problem)
{
    ltd_json_free(problem->errors);
    *problem = (struct problem){0};
}

void problem_set(struct problem *problem, int status, const char *code, const char *format, ...)
{
    va_list arguments;

    problem->status = status;
    problem->code = code;
    va_start(arguments, format);
    vsnprintf(problem->detail, sizeof problem->detail, format, arguments);
    va_end(arguments);
}

void problem_add(struct problem *problem, const char *pointer, const char *detail)
{
    char renamed[PROBLEM_POINTER_SIZE], whole[2 * PROBLEM_POINTER_SIZE];
    struct ltd_json *error;

    if (++problem->error_count > MAX_ERRORS)
        return;
    if (!problem->errors)
        problem->errors = ltd_json_new_array();
    error = ltd_json_new_object();
    if (!problem->errors || !error) {
        ltd_json_free(error);
        return;
    }
    snprintf(whole, sizeof whole, "%s%s", problem->prefix ? problem->prefix : "",
             problem->rename ? problem->rename(pointer, renamed) : pointer);
    ltd_json_add(error, "pointer", ltd_json_new_string(whole));
    ltd_json_add(error, "detail", ltd_json_new_string(detail));
    ltd_json_append(problem->errors, error);
}

void problem_set_invalid(struct problem *problem)
{
    if (problem->error_count == 1)
        problem_set(problem, 422, "invalid", "one value of the request is wrong; see errors");
    else
        problem_set(problem, 422, "invalid", "%d values of the request are wrong; see errors",
                    problem->error_count);
}

void problem_from_error(struct problem *problem, const struct ltd_error *error)
{
    static const struct {
        enum ltd_status status;
        int http;
    } rows[] = {
#define PROBLEM(status, http) {status, http},
#include "api/problem_codes.def"
#undef PROBLEM
    };
    int http = 500;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == error->status)
            http = rows[i].http;
    problem_set(problem, http, ltd_status_name(error->status), "%s", error->message);
}

const char *problem_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {416, "Range Not Satisfiable"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Internal Server Error";
}

struct ltd_json *problem_encode(struct problem *problem, const char *request_id)
{
    struct ltd_json *json = ltd_json_new_object();

    if (!json)
        return NULL;
    ltd_json_add(json, "title", ltd_json_new_string(problem_title(problem->status)));
    ltd_json_add(json, "status", ltd_json_new_number(problem->status));
    ltd_json_add(json, "code", ltd_json_new_string(problem->code));
    ltd_json_add(json, "detail", ltd_json_new_string(problem->detail));
    if (request_id && *request_id)
        ltd_json_add(json, "request_id", ltd_json_new_string(request_id));
    if (problem->errors)
        ltd_json_add(json, "errors", problem->errors);
    problem->errors = NULL;
    return json;
}

struct blob *json_to_blob(struct ltd_json *json)
{
    char *text = json ? ltd_json_print(json, false) : NULL;
    struct blob *blob = text ? blob_take(text, strlen(text)) : NULL;

    if (!blob)
        free(text);
    ltd_json_free(json);
    return blob;
}
