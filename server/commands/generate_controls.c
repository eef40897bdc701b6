#include "commands/generate_controls.h"

#include <stdlib.h>
#include <string.h>

#include "api/control_list.h"
#include "commands/picture_file.h"
#include "util/parse_number.h"

/* MEMBER=VALUE into an object as a request has it, where the members' bounds are known. */
static bool add_member(struct ltd_json *said, char *member)
{
    char *value = strchr(member, '=');
    double number;

    if (!value || value == member)
        return false;
    *value++ = '\0';
    if (ltd_json_get(said, member))
        return false;
    ltd_json_add(said, member,
                 parse_real(value, &number) ? ltd_json_new_number(number) : ltd_json_new_string(value));
    return true;
}

/* NAME:FILE[,MEMBER=VALUE]...; NULL: it is none.  The text is spoilt. */
static struct ltd_json *read_text(char *text)
{
    struct ltd_json *said = ltd_json_new_object();
    char *file = strchr(text, ':'), *next = file ? strchr(file, ',') : NULL;
    bool right = file && file > text;

    if (right) {
        *file++ = '\0';
        if (next)
            *next++ = '\0';
        ltd_json_add(said, "model", ltd_json_new_string(text));
        ltd_json_add(said, "image", ltd_json_new_string(file));
        right = *file != '\0';
    }
    while (right && next) {
        char *member = next;

        next = strchr(member, ',');
        if (next)
            *next++ = '\0';
        right = add_member(said, member);
    }
    if (right)
        return said;
    ltd_json_free(said);
    return NULL;
}

static void read_one(struct option_set *set, const char *given, struct generate_controls *controls)
{
    const int at = controls->count;
    char *text = strdup(given);
    struct ltd_json *said = text ? read_text(text) : NULL;
    struct control_wrong wrong;
    struct ltd_error err;
    const char *file = NULL;

    free(text);
    if (!said) {
        option_set_problem(set, "--control: \"%s\" is not NAME:FILE or NAME:FILE,MEMBER=VALUE,...", given);
    } else if (!control_read(said, &controls->items[at], &file, &wrong)) {
        option_set_problem(set, "--control: \"%s\": %s%s%s", given, wrong.member, *wrong.member ? ": " : "",
                           wrong.detail);
    } else if (picture_file_read(file, &controls->pictures[at], &err) != LTD_OK) {
        option_set_problem(set, "--control: %s: %s", file, err.message);
    } else {
        controls->items[at].image = controls->pictures[at];
        controls->said[controls->count++] = said;
        return;
    }
    ltd_json_free(said);
}

void generate_controls_read(struct option_set *set, const struct option_list *given,
                            struct generate_controls *controls)
{
    if (given->count > LTD_MAX_CONTROLS)
        option_set_problem(set, "--control: at most %d", LTD_MAX_CONTROLS);
    for (size_t i = 0; i < given->count && i < LTD_MAX_CONTROLS; i++)
        read_one(set, given->items[i], controls);
}

void generate_controls_fini(struct generate_controls *controls)
{
    for (int i = 0; i < controls->count; i++) {
        ltd_json_free(controls->said[i]);
        ltd_image_free(controls->pictures[i]);
    }
    *controls = (struct generate_controls){0};
}
