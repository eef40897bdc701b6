#include "http/sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sse_reply(struct http_reply *reply)
{
    reply->status = 200;
    reply->content_type = "text/event-stream";
    http_reply_header(reply, "Cache-Control", "no-store");
    http_reply_header(reply, "X-Accel-Buffering", "no");
    reply->stream.ping = sse_ping;
    reply->stream.ping_s = SSE_PING_S;
}

/* CRLF, LF and CR all end a line of a stream. */
static size_t line_length(const char *text)
{
    return strcspn(text, "\r\n");
}

static const char *next_line(const char *line)
{
    line += line_length(line);
    if (line[0] == '\r' && line[1] == '\n')
        return line + 2;
    return *line ? line + 1 : NULL;
}

struct blob *sse_event(uint64_t id, const char *name, const char *data)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct blob *blob = NULL;

    if (!out)
        return NULL;
    if (id > 0)
        fprintf(out, "id: %llu\n", (unsigned long long)id);
    if (name)
        fprintf(out, "event: %s\n", name);
    for (const char *line = data; line; line = next_line(line)) {
        fputs("data: ", out);
        fwrite(line, 1, line_length(line), out);
        fputc('\n', out);
    }
    fputc('\n', out);
    if (fclose(out) == 0)
        blob = blob_take(text, size);
    if (!blob)
        free(text);
    return blob;
}

struct blob *sse_ping(void)
{
    return blob_from_text(": ping\n\n");
}
