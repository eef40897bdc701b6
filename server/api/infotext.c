#include "api/infotext.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_PAIRS = 3 /* that make a line one of settings, rather than the end of a prompt */ };

static bool is_key_byte(char byte)
{
    return isalnum((unsigned char)byte) || strchr(" _-/+", byte);
}

/* Ends a quoted value in place, \" and \\ unescaped; returns what follows it, or NULL: the quote is open. */
static char *take_quoted(char *text, const char **value)
{
    char *out = text + 1;

    *value = out;
    for (char *in = text + 1; *in; in++) {
        if (*in == '"') {
            *out = '\0';
            return in + 1;
        }
        if (*in == '\\' && in[1])
            in++;
        *out++ = *in;
    }
    return NULL;
}

/* One "Key: value" in place; returns what follows its comma, or NULL: there is none at text. */
static char *take_pair(char *text, struct infotext_pair *pair)
{
    char *colon;

    text += strspn(text, " ");
    colon = text;
    while (*colon && *colon != ':' && is_key_byte(*colon))
        colon++;
    if (*colon != ':' || colon == text)
        return NULL;
    *colon = '\0';
    pair->key = text;
    text = colon + 1 + strspn(colon + 1, " ");
    if (*text == '"' && strchr(text + 1, '"')) {
        text = take_quoted(text, &pair->value);
        if (!text)
            return NULL;
        text += strcspn(text, ",");
    } else {
        pair->value = text;
        text += strcspn(text, ",");
    }
    if (*text)
        *text++ = '\0';
    return text;
}

static size_t take_pairs(char *line, struct infotext_pair pairs[INFOTEXT_MAX_PAIRS])
{
    size_t count = 0;

    while (line && *line && count < INFOTEXT_MAX_PAIRS) {
        line = take_pair(line, &pairs[count]);
        count += line != NULL;
    }
    return count;
}

/* Takes the last line when it is one of settings. */
static void take_last_line(char *text, struct infotext *out)
{
    char *line = strrchr(text, '\n'), *copy;

    line = line ? line + 1 : text;
    copy = strdup(line);
    out->count = copy ? take_pairs(copy, out->pairs) : 0;
    free(copy);
    if (out->count < LEAST_PAIRS) {
        out->count = 0;
        return;
    }
    out->count = take_pairs(line, out->pairs);
    if (line > text)
        line[-1] = '\0';
    else
        out->prompt = "";
}

bool infotext_parse(const char *text, struct infotext *out)
{
    static const char mark[] = "Negative prompt:";
    const size_t length = strlen(text);
    char *negative;

    *out = (struct infotext){.negative_prompt = "", .storage = strdup(text)};
    if (!out->storage)
        return false;
    for (size_t end = length; end > 0 && strchr("\r\n ", out->storage[end - 1]); end--)
        out->storage[end - 1] = '\0';
    out->prompt = out->storage;
    take_last_line(out->storage, out);
    if (!*out->prompt)
        return true;
    negative = strncmp(out->prompt, mark, sizeof mark - 1) == 0 ? out->storage : NULL;
    for (char *at = out->storage; !negative && (at = strchr(at, '\n')); at++)
        if (strncmp(at + 1, mark, sizeof mark - 1) == 0)
            negative = at + 1;
    if (!negative)
        return true;
    if (negative > out->storage)
        negative[-1] = '\0';
    else
        out->prompt = "";
    out->negative_prompt = negative + sizeof mark - 1 + strspn(negative + sizeof mark - 1, " ");
    return true;
}

void infotext_fini(struct infotext *info)
{
    free(info->storage);
    *info = (struct infotext){0};
}

const char *infotext_find(const struct infotext *info, const char *key)
{
    for (size_t i = 0; i < info->count; i++)
        if (strcmp(info->pairs[i].key, key) == 0)
            return info->pairs[i].value;
    return NULL;
}
