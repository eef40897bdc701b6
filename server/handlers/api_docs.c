#include "handlers/api_docs.h"

#include <string.h>

#include "api/family_doc.h"
#include "api/reply_schema.h"
#include "handlers/openapi.h"
#include "handlers/query_table.h"
#include "handlers/route_table.h"

static const char introduction[] =
    "# The HTTP API\n"
    "\n"
    "`latentd --print-api-docs` prints this page from the tables that the server works by. A running server tells the\n"
    "same, with its own limits and defaults, at `/openapi.json` (OpenAPI 3.1) and `/api/v1/capabilities`.\n"
    "\n"
    "## How to ask\n"
    "\n"
    "- Bodies are JSON (`Content-Type: application/json`). Everything that is wrong with a request is told at once, as\n"
    "  `application/problem+json` (RFC 9457) with a JSON pointer for each value. Unknown fields and unknown query\n"
    "  parameters are wrong.\n"
    "- `Prefer: handling=lenient` leaves out fields that do not exist, or say nothing here, and warns of them.\n"
    "- `/api/v1/generate` waits for the pictures. `Accept` chooses: `application/json` (also when there is none),\n"
    "  `image/png` (the bytes of one picture, with `X-Seed`, `X-Job-Id` and `ETag`) or `text/event-stream` (its events, of\n"
    "  which `image` has the picture's bytes). `Prefer: respond-async` gives a handle at once (202), `Prefer: wait=SECONDS`\n"
    "  the answer if it is done in time, else a handle.\n"
    "- A client that goes away while it waits cancels its job, unless it sent an `Idempotency-Key`: then the job goes on\n"
    "  for `--detach-seconds`. The same request with the same key joins the job of the first one, in whatever state; another\n"
    "  request with that key is wrong (422). A job made by `PUT` of an id of your own is joined in the same way.\n"
    "- `{\"requests\": [...]}` posted to `/api/v1/jobs` queues them all, or none.\n"
    "- `GET /api/v1/jobs/{id}?wait=SECONDS` answers when anything has happened to the job; with `If-None-Match` it waits\n"
    "  for what is newer than that `ETag`.\n"
    "- `GET /api/v1/jobs/{id}/events` tells `queued`, `position`, `started`, `progress` (every step), `preview`, `image`, and\n"
    "  at the end `succeeded`, `failed` or `canceled` with the finished job. Each has a number as its id; a stream that was\n"
    "  broken off goes on behind the number in `Last-Event-ID`. When there is nothing left to tell, the answer is 204.\n"
    "- A finished job and its pictures are kept for `--job-ttl` seconds; from then on its id is answered with 410. An id\n"
    "  that never was gets 404.\n"
    "- `/api/v1/generate` also takes the form of Hugging Face's clients, `{\"inputs\": TEXT, \"parameters\": {...}}`, and\n"
    "  answers with the bytes of the picture; with a `prompt` among the parameters, `inputs` is the picture to start from.\n"
    "  Fields by their own names are taken among the parameters, too.\n";

static const char *type_text(const struct field *field)
{
    switch (field->type) {
    case FIELD_TYPE_TEXT:
        return "text";
    case FIELD_TYPE_TEXTS:
        return "list of texts";
    case FIELD_TYPE_SEED:
    case FIELD_TYPE_INTEGER:
    case FIELD_TYPE_SIDE:
        return "integer";
    case FIELD_TYPE_NUMBER:
    case FIELD_TYPE_SHARE:
        return "number";
    case FIELD_TYPE_NAME:
        return "one of";
    case FIELD_TYPE_NAMES:
        return "list of";
    case FIELD_TYPE_IMAGE:
        return "base64";
    case FIELD_TYPE_LORAS:
    case FIELD_TYPE_CONTROLS:
        return "list of objects";
    case FIELD_TYPE_OBJECT:
        return "object";
    case FIELD_TYPE_BOOL:
        break;
    }
    return "true or false";
}

static void print_bounds(FILE *out, enum field_id id, const struct request_limits *limits)
{
    const struct field *field = field_of(id);
    const double high = field_high(id, limits);

    switch (field->type) {
    case FIELD_TYPE_TEXT:
        fprintf(out, ", at most %.0f bytes", high);
        break;
    case FIELD_TYPE_TEXTS:
        fprintf(out, ", at most %.0f of 1 to %.0f bytes", field->low, high);
        break;
    case FIELD_TYPE_SEED:
        fputs(", 0 to 2^64 - 1", out);
        break;
    case FIELD_TYPE_INTEGER:
    case FIELD_TYPE_NUMBER:
        fprintf(out, ", %.0f to %.0f", field->low, high);
        break;
    case FIELD_TYPE_SHARE:
        fprintf(out, ", above %.0f, at most %.0f", field->low, high);
        break;
    case FIELD_TYPE_NAME:
    case FIELD_TYPE_NAMES:
        for (int i = 0; field->names(i); i++)
            fprintf(out, "%s `%s`", i > 0 ? "," : "", field->names(i));
        break;
    case FIELD_TYPE_LORAS:
        fprintf(out, ", at most %.0f; weights of -%g to %g", field->low, high, high);
        break;
    case FIELD_TYPE_CONTROLS:
        fprintf(out, ", at most %.0f", field->low);
        break;
    case FIELD_TYPE_SIDE:
    case FIELD_TYPE_IMAGE:
    case FIELD_TYPE_OBJECT:
    case FIELD_TYPE_BOOL:
        break;
    }
}

static void print_fields(FILE *out, const struct request_limits *limits)
{
    fputs("\n## A request\n\n| field | type | meaning | when it is absent |\n|---|---|---|---|\n", out);
    for (int i = 0; i < FIELD_ID_COUNT; i++) {
        const struct field *field = field_of((enum field_id)i);

        fprintf(out, "| `%s%s%s` | %s", field->parent, *field->parent ? "." : "", field->name,
                type_text(field));
        print_bounds(out, (enum field_id)i, limits);
        fprintf(out, " | %s | %s |\n", field->about, field->standard);
    }
    fprintf(
        out,
        "\nA picture has at most %d pixels (`--max-pixels`). The bounds above are those of a server that is told "
        "nothing else.\n",
        limits->max_pixels);
}

static void print_queries(FILE *out, const char *query)
{
    char word[OPENAPI_WORD_SIZE];

    while (query && openapi_next_word(&query, " ", word))
        fprintf(out, "  - `?%s=`: %s\n", word, query_find(word)->about);
}

/* The statuses of a reply, and what comes with each. */
static void print_gives(FILE *out, const char *gives)
{
    char word[OPENAPI_WORD_SIZE], what[OPENAPI_WORD_SIZE];
    bool first = true;

    fputs("  - gives", out);
    while (openapi_next_word(&gives, " ", word)) {
        char *is = strchr(word, '=');

        if (is)
            *is++ = '\0';
        fprintf(out, "%s %s", first ? "" : ",", word);
        for (const char *at = is; at && openapi_next_word(&at, "|", what);)
            fprintf(out, "%s %s", at - is > (ptrdiff_t)strlen(what) ? " or" : "", what);
        first = false;
    }
    fputs("\n", out);
}

static void print_routes(FILE *out, enum http_family family, const char *title)
{
    char word[OPENAPI_WORD_SIZE];

    fprintf(out, "\n### %s\n\n", title);
    for (size_t i = 0; i < app_route_count; i++) {
        const struct http_route *route = &app_routes[i];
        const char *takes = app_route_docs[i].takes;

        if (route->family != family)
            continue;
        fprintf(out, "- `%s %s`: %s.\n", route->method, route->pattern, app_route_docs[i].about);
        print_queries(out, route->query);
        for (bool first = true; openapi_next_word(&takes, "|", word); first = false)
            fprintf(out, "%s %s", first ? "  - takes" : " or", word);
        if (*app_route_docs[i].takes)
            fputs("\n", out);
        print_gives(out, app_route_docs[i].gives);
    }
}

static void print_replies(FILE *out)
{
    const char *schema = "";

    fputs("\n## Replies\n", out);
    for (int i = 0; reply_member(i); i++) {
        const struct reply_member *member = reply_member(i);

        if (strcmp(member->schema, schema) != 0)
            fprintf(out, "\n### %s\n\n| member | type | |\n|---|---|---|\n", member->schema);
        schema = member->schema;
        fprintf(out, "| `%s`%s | %s | %s |\n", member->name, member->always ? "" : " (or not)", member->type,
                member->about);
    }
}

static void print_treatment(FILE *out, const struct ltd_json *fields, const char *treatment)
{
    bool first = true;

    for (const struct ltd_json *field = ltd_json_first(fields); field; field = ltd_json_next(field)) {
        if (strcmp(ltd_json_string(field), treatment) != 0)
            continue;
        fprintf(out, "%s `%s`", first ? "" : ",", ltd_json_key(field));
        first = false;
    }
    fputs(first ? " none" : "", out);
}

static void print_families(FILE *out)
{
    static const char *const treatments[] = {"honoured", "inert", "refused"};

    fputs("\n## What each API makes of its clients' fields\n\n"
          "Inert fields are taken, and have no part in the picture.\n\n"
          "| API | honoured | inert | refused |\n|---|---|---|---|\n",
          out);
    for (size_t i = 0; family_docs[i]; i++) {
        struct ltd_json *fields = ltd_json_new_object();

        family_docs[i]->add_fields(fields);
        fprintf(out, "| %s |", family_docs[i]->name);
        for (size_t t = 0; t < sizeof treatments / sizeof treatments[0]; t++) {
            print_treatment(out, fields, treatments[t]);
            fputs(" |", out);
        }
        fputs("\n", out);
        ltd_json_free(fields);
    }
}

void api_docs_print(FILE *out, const struct request_limits *limits)
{
    fputs(introduction, out);
    print_fields(out, limits);
    fputs(
        "\n## Routes\n\n"
        "What a route takes and gives is a schema below or in `/openapi.json`, or a media type; a status alone comes\n"
        "with an error in the form of its API. Any route may also answer 400, 403, 431 and 503.\n",
        out);
    print_routes(out, FAMILY_NATIVE, "Native");
    print_routes(out, FAMILY_OPENAI, "OpenAI's image API");
    print_routes(out, FAMILY_A1111, "AUTOMATIC1111's API");
    print_families(out);
    print_replies(out);
}
