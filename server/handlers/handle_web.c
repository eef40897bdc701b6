#include "handlers/app.h"

#include "http/http_conditional.h"
#include "web/web_files.h"

/* What the page may do, should a text that it shows ever become a part of it: nothing, and nowhere to go. */
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static void reply_file(const struct http_request *request, const struct web_file *file,
                       struct http_reply *reply)
{
    http_reply_header(reply, "Content-Security-Policy", "%s", page_policy);
    http_reply_header(reply, "Referrer-Policy", "no-referrer");
    http_reply_header(reply, "Cache-Control", "no-cache");
    http_reply_bytes(request, reply, file->content_type, blob_copy(file->data, file->size), file->etag);
}

static void reply_text(struct http_reply *reply)
{
    static const char text[] = "latentd " LATENTD_VERSION ": Stable Diffusion over HTTP.\n\n"
                               "A first picture:\n\n"
                               "    curl --json '{\"prompt\": \"a picture\"}' -H 'Accept: image/png' "
                               "-o picture.png http://HOST:PORT/api/v1/generate\n\n"
                               "GET /api/v1/models tells what is served.\n";

    http_reply_body(reply, 200, "text/plain; charset=utf-8", blob_from_text(text));
}

/* A browser says that it wants HTML, and gets the page; curl does not. */
enum http_next handle_root(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    http_reply_header(reply, "Vary", "Accept");
    if (http_request_prefers(request, "text/html", "text/plain") == 1)
        reply_file(request, web_file_find("index.html"), reply);
    else
        reply_text(reply);
    return HTTP_REPLY;
}

enum http_next handle_web(void *self, struct http_request *request, struct http_reply *reply)
{
    char name[32];
    const struct web_file *file = NULL;

    if (http_request_param(request, 0, name, sizeof name))
        file = web_file_find(name);
    if (file)
        reply_file(request, file, reply);
    else
        reply_error(self, request, reply, 404, "not_found", "the page has no such file");
    return HTTP_REPLY;
}
