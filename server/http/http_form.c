#include "http/http_form.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70, DELIMITER_SIZE = BOUNDARY_MAX + 5 }; /* RFC 2046 5.1.1; CRLF, two dashes, the end */

static const char form_type[] = "multipart/form-data";

/* What is left to read of the body. */
struct form_reader {
    const char *at, *end;
    char delimiter[DELIMITER_SIZE]; /* "\r\n--boundary" */
    size_t delimiter_length;
    struct http_refusal *why;
};

/* A line of a part's head, without its end. */
struct form_line {
    const char *text;
    size_t length;
};

bool http_form_is_sent(const struct http_request *request)
{
    return http_request_type_is(request, form_type);
}

static bool refuse(struct http_refusal *why, const char *detail)
{
    return http_refuse(why, 400, "bad_form", "%s", detail);
}

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Copies the value at `at`, a token or a quoted string in which a backslash stands before a quote or a
 * backslash (browsers leave others alone, as in the paths of Windows), to out of `size` bytes with its end.
 * Returns what follows; NULL when it is not whole or too long. */
static const char *take_value(const char *at, const char *end, char *out, size_t size)
{
    const bool quoted = at < end && *at == '"';
    size_t used = 0;

    for (at += quoted; at < end; at++) {
        if (quoted ? *at == '"' : (*at == ';' || *at == ' ' || *at == '\t'))
            break;
        if (quoted && *at == '\\' && at + 1 < end && (at[1] == '"' || at[1] == '\\'))
            at++;
        if (used + 1 >= size || (unsigned char)*at < ' ' || *at == 0x7f)
            return NULL;
        out[used++] = *at;
    }
    if ((quoted && at == end) || size == 0)
        return NULL;
    out[used] = '\0';
    return at + quoted;
}

/* Finds the parameter `name` behind the first ';' of text[0..length) and copies its value.  1 found, 0
 * absent, -1 the parameters are malformed or the value is too long. */
static int find_parameter(const char *text, size_t length, const char *name, char *out, size_t size)
{
    const char *const end = text + length;
    const char *at = memchr(text, ';', length);
    char other[1024];

    while (at && at < end) {
        const char *start = skip_blank(at + 1, end);
        const char *equals = memchr(start, '=', (size_t)(end - start));
        bool wanted;

        if (start == end)
            break; /* a ';' at the end */
        if (!equals)
            return -1;
        wanted = (size_t)(equals - start) == strlen(name) && strncasecmp(start, name, strlen(name)) == 0;
        at = take_value(equals + 1, end, wanted ? out : other, wanted ? size : sizeof other);
        if (!at)
            return -1;
        if (wanted)
            return 1;
        at = skip_blank(at, end);
        if (at < end && *at != ';')
            return -1;
    }
    return 0;
}

static bool read_boundary(const struct http_request *request, struct form_reader *reader)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=? ";
    const char *type = http_request_header(request, "Content-Type");
    char *boundary = reader->delimiter + 4;
    size_t length;

    memcpy(reader->delimiter, "\r\n--", 5);
    if (!type || find_parameter(type, strlen(type), "boundary", boundary, BOUNDARY_MAX + 1) != 1)
        return refuse(reader->why, "the Content-Type names no boundary of 1 to 70 characters");
    length = strlen(boundary);
    if (length == 0 || strspn(boundary, allowed) != length || boundary[length - 1] == ' ')
        return refuse(reader->why, "the boundary has characters that none may have");
    reader->delimiter_length = length + 4;
    return true;
}

/* The end of a delimiter's line, of which rest follows the boundary; *last whether it closes the form.  NULL
 * when it is another line, one that only starts like a delimiter. */
static const char *delimiter_line_end(const struct form_reader *reader, const char *rest, bool *last)
{
    *last = reader->end - rest >= 2 && rest[0] == '-' && rest[1] == '-';
    if (*last)
        return rest + 2;
    rest = skip_blank(rest, reader->end);
    return reader->end - rest >= 2 && rest[0] == '\r' && rest[1] == '\n' ? rest + 2 : NULL;
}

/* The next delimiter from `at`: *data_end is where the data before it ends, *last whether it closes the form.
 * Returns what follows its line; NULL when there is none. */
static const char *find_delimiter(const struct form_reader *reader, const char *at, const char **data_end,
                                  bool *last)
{
    while ((at = memmem(at, (size_t)(reader->end - at), reader->delimiter, reader->delimiter_length)) !=
           NULL) {
        const char *next = delimiter_line_end(reader, at + reader->delimiter_length, last);

        *data_end = at;
        if (next)
            return next;
        at++;
    }
    return NULL;
}

/* The body begins with the first delimiter, of which the line end may be missing; other text before it is
 * allowed by the standard and sent by nobody. */
static const char *take_first_delimiter(const struct form_reader *reader, bool *last)
{
    const size_t skip = reader->at < reader->end && *reader->at == '\r' ? 0 : 2;
    const size_t length = reader->delimiter_length - skip;

    if ((size_t)(reader->end - reader->at) < length ||
        memcmp(reader->at, reader->delimiter + skip, length) != 0)
        return NULL;
    return delimiter_line_end(reader, reader->at + length, last);
}

static bool take_line(struct form_reader *reader, struct form_line *line)
{
    const char *found = memmem(reader->at, (size_t)(reader->end - reader->at), "\r\n", 2);

    if (!found)
        return refuse(reader->why, "the form ends in the head of a part");
    *line = (struct form_line){reader->at, (size_t)(found - reader->at)};
    reader->at = found + 2;
    return true;
}

/* Whether line is the header `name`; then *value is what it says. */
static bool is_header(const struct form_line *line, const char *name, struct form_line *value)
{
    const size_t length = strlen(name);
    const char *start;

    if (line->length <= length || strncasecmp(line->text, name, length) != 0 || line->text[length] != ':')
        return false;
    start = skip_blank(line->text + length + 1, line->text + line->length);
    *value = (struct form_line){start, (size_t)(line->text + line->length - start)};
    return true;
}

/* Whether line is a header at all, and not the folded rest of one. */
static bool has_name(const struct form_line *line)
{
    size_t length = 0;

    while (length < line->length && line->text[length] > ' ' && line->text[length] != ':')
        length++;
    return length > 0 && length < line->length && line->text[length] == ':';
}

static bool value_is(const struct form_line *value, const char *word)
{
    return value->length >= strlen(word) && strncasecmp(value->text, word, strlen(word)) == 0;
}

/* Where the next text goes, and the room for it. */
static char *texts_end(const struct http_form *form, size_t *room)
{
    *room = HTTP_FORM_MAX_TEXTS - form->texts_used;
    return form->texts + form->texts_used;
}

static const char *keep_text(struct http_form *form)
{
    char *text = form->texts + form->texts_used;

    form->texts_used += strlen(text) + 1;
    return text;
}

static bool take_disposition(const struct form_line *value, struct http_form *form,
                             struct http_form_part *part, struct http_refusal *why)
{
    size_t room;
    char *text = texts_end(form, &room);
    int found;

    if (part->name || !value_is(value, "form-data"))
        return refuse(why, "every part has one Content-Disposition, form-data");
    if (find_parameter(value->text, value->length, "name", text, room) != 1)
        return refuse(why, "a part has no name, or too long a one");
    part->name = keep_text(form);
    text = texts_end(form, &room);
    found = find_parameter(value->text, value->length, "filename", text, room);
    if (found < 0)
        return refuse(why, "a file name is malformed or too long");
    if (found)
        part->filename = keep_text(form);
    return true;
}

static bool take_type(const struct form_line *value, struct http_form *form, struct http_form_part *part,
                      struct http_refusal *why)
{
    size_t room;
    char *text = texts_end(form, &room);

    if (part->type || value->length >= room || memchr(value->text, '\0', value->length))
        return refuse(why, "a part has a Content-Type that is malformed or too long");
    memcpy(text, value->text, value->length);
    text[value->length] = '\0';
    part->type = keep_text(form);
    return true;
}

static bool take_part_head(struct form_reader *reader, struct http_form *form, struct http_form_part *part)
{
    static const char *const plain[] = {"7bit", "8bit", "binary"};
    struct form_line line = {0}, value;

    while (take_line(reader, &line) && line.length > 0) {
        if (is_header(&line, "Content-Disposition", &value)) {
            if (!take_disposition(&value, form, part, reader->why))
                return false;
        } else if (is_header(&line, "Content-Type", &value)) {
            if (!take_type(&value, form, part, reader->why))
                return false;
        } else if (is_header(&line, "Content-Transfer-Encoding", &value)) {
            if (!value_is(&value, plain[0]) && !value_is(&value, plain[1]) && !value_is(&value, plain[2]))
                return refuse(reader->why, "send the parts without a Content-Transfer-Encoding");
        } else if (!has_name(&line)) {
            return refuse(reader->why, "the head of a part has a line that is no header");
        }
    }
    if (reader->why->status)
        return false;
    return part->name || refuse(reader->why, "a part has no Content-Disposition with a name");
}

static bool read_parts(struct form_reader *reader, struct http_form *form)
{
    const char *data_end, *next;
    bool last = false;

    next = take_first_delimiter(reader, &last);
    if (!next)
        return refuse(reader->why, "the body does not begin with the boundary that the Content-Type names");
    while (!last) {
        struct http_form_part part = {0};

        reader->at = next;
        if (form->count == HTTP_FORM_MAX_PARTS)
            return http_refuse(reader->why, 400, "bad_form", "a form may have %d parts", HTTP_FORM_MAX_PARTS);
        if (!take_part_head(reader, form, &part))
            return false;
        /* An empty part's delimiter begins with the line end that ended its head. */
        next = find_delimiter(reader, reader->at - 2, &data_end, &last);
        if (!next)
            return refuse(reader->why, "the form ends without its closing boundary");
        part.data = reader->at;
        part.size = data_end > reader->at ? (size_t)(data_end - reader->at) : 0;
        form->parts[form->count++] = part;
    }
    return true;
}

bool http_form_parse(const struct http_request *request, struct http_form *out, struct http_refusal *why)
{
    struct form_reader reader = {.why = why};

    out->count = out->texts_used = 0;
    out->texts = NULL;
    *why = (struct http_refusal){0};
    if (!request->body || !read_boundary(request, &reader))
        return why->status ? false : refuse(why, "the form is empty");
    out->texts = malloc(HTTP_FORM_MAX_TEXTS);
    if (!out->texts)
        return http_refuse(why, 503, "no_memory", "no memory for the form");
    reader.at = request->body;
    reader.end = request->body + request->body_size;
    if (read_parts(&reader, out))
        return true;
    http_form_fini(out);
    return false;
}

void http_form_fini(struct http_form *form)
{
    free(form->texts);
    form->texts = NULL;
    form->count = 0;
}

const struct http_form_part *http_form_find(const struct http_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->parts[i].name, name) == 0)
            return &form->parts[i];
    return NULL;
}
