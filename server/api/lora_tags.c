#include "api/lora_tags.h"

#include <stdio.h>
#include <string.h>

#include "util/parse_number.h"

static const char opening[] = "<lora:";

struct tag {
    char *begin, *end; /* of the text: '<', and behind '>' */
};

/* The next one from a place on; a begin of NULL: there is none. */
static struct tag find_tag(char *from)
{
    struct tag tag = {strstr(from, opening), NULL};
    char *close = tag.begin ? strchr(tag.begin, '>') : NULL;

    if (!close)
        return (struct tag){0};
    tag.end = close + 1;
    return tag;
}

static size_t count_tags(char *text)
{
    size_t count = 0;

    for (struct tag tag = find_tag(text); tag.begin; tag = find_tag(tag.end))
        count++;
    return count;
}

/* One part between colons: a weight by its place or by its name. */
static bool take_weight(const char *part, int place, double *text_weight, double *weight)
{
    if (strncmp(part, "te=", 3) == 0)
        return parse_real(part + 3, text_weight);
    if (strncmp(part, "unet=", 5) == 0)
        return parse_real(part + 5, weight);
    return place <= 2 && parse_real(part, place == 1 ? text_weight : weight);
}

/* inner: what stands between "<lora:" and ">". */
static bool take_tag(char *inner, struct ltd_json *loras)
{
    double text_weight = 1, weight = 0;
    bool has_weight = false;
    char *rest = inner, *part = strsep(&rest, ":");
    const char *name = part;
    struct ltd_json *json;
    int place = 0;

    while ((part = strsep(&rest, ":"))) {
        const bool named = strchr(part, '=') != NULL;

        place += !named;
        if (!take_weight(part, place, &text_weight, &weight))
            return false;
        has_weight |= place == 2 || strncmp(part, "unet=", 5) == 0;
    }
    if (!*name)
        return false;
    json = ltd_json_new_object();
    ltd_json_add(json, "name", ltd_json_new_string(name));
    ltd_json_add(json, "weight", ltd_json_new_number(has_weight ? weight : text_weight));
    ltd_json_add(json, "text_weight", ltd_json_new_number(text_weight));
    ltd_json_append(loras, json);
    return true;
}

bool lora_tags_take(char *text, size_t last, struct ltd_json *loras, char wrong[LORA_TAG_WRONG_SIZE])
{
    const size_t count = count_tags(text);
    size_t skip = count > last ? count - last : 0;
    struct tag tag = find_tag(text);

    for (; tag.begin && skip > 0; skip--)
        tag = find_tag(tag.end);
    while (tag.begin) {
        char inner[512];
        const size_t length = (size_t)(tag.end - tag.begin) - sizeof opening;

        snprintf(wrong, LORA_TAG_WRONG_SIZE, "%.*s", (int)(tag.end - tag.begin), tag.begin);
        if (length >= sizeof inner)
            return false;
        memcpy(inner, tag.begin + sizeof opening - 1, length);
        inner[length] = '\0';
        if (!take_tag(inner, loras))
            return false;
        memmove(tag.begin, tag.end, strlen(tag.end) + 1);
        tag = find_tag(tag.begin);
    }
    return true;
}
