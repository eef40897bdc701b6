#include "weights/lora_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/compvis.h"

#define NAME_ROOM 256

struct lora_name {
    const char *plain;
    const struct weight *weight, *bias;
};

enum lora_network lora_network_of(const char *module, const char **layer)
{
    static const struct {
        const char *text;
        enum lora_network network;
    } prefixes[] = {
        {"lora_unet_", LORA_UNET},
        {"lycoris_unet_", LORA_UNET},
        {"unet.", LORA_UNET},
        {"base_model.model.unet.", LORA_UNET},
        {"base_model.model.text_encoder.", LORA_TEXT_ENCODER},
        {"base_model.model.text_encoder_2.", LORA_TEXT_ENCODER_2},
        {"base_model.model.", LORA_UNET},
        {"lora_te_", LORA_TEXT_ENCODER},
        {"lora_te1_", LORA_TEXT_ENCODER},
        {"lora_te2_", LORA_TEXT_ENCODER_2},
        {"text_encoder.", LORA_TEXT_ENCODER},
        {"text_encoder_2.", LORA_TEXT_ENCODER_2},
    };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const size_t length = strlen(prefixes[i].text);

        if (strncmp(module, prefixes[i].text, length) == 0) {
            *layer = module + length;
            return prefixes[i].network;
        }
    }
    *layer = module;
    return LORA_UNET;
}

/* Takes the first `word` out of the text. */
static void take_out(char *text, const char *word)
{
    char *at = strstr(text, word);

    if (at)
        memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

/* The name with one mark between all words, and without those that some writers leave away.  False: it is too
 * long. */
static bool make_plain(char plain[NAME_ROOM], const char *name, size_t length)
{
    static const char outer[] = "text_model_";

    if (length >= NAME_ROOM)
        return false;
    for (size_t i = 0; i < length; i++)
        plain[i] = name[i] == '.' ? '_' : name[i];
    plain[length] = '\0';
    /* transformers leaves it away now. */
    if (strncmp(plain, outer, sizeof outer - 1) == 0)
        memmove(plain, plain + sizeof outer - 1, length + 1 - (sizeof outer - 1));
    /* diffusers once trained processors of attentions: attn1.processor.to_q_lora. */
    take_out(plain, "_processor");
    /* The output of an attention is a list of two layers, and some name it by the list alone. */
    if (strlen(plain) >= 7 && strcmp(plain + strlen(plain) - 7, "_to_out") == 0 &&
        strlen(plain) + 2 < NAME_ROOM)
        strcat(plain, "_0");
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct lora_name *x = a, *y = b;

    return strcmp(x->plain, y->plain);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);

    return length > tail && strcmp(name + length - tail, end) == 0;
}

static const struct weight *find_bias(const struct weight_set *set, const struct weight *weight)
{
    char name[NAME_ROOM];

    snprintf(name, sizeof name, "%.*sbias", (int)(strlen(weight->name) - strlen("weight")), weight->name);
    return weight_set_find(set, name);
}

/* Adds a layer by the name of its weight, in the text from *next on. */
static void add_name(struct lora_names *names, const char *name, const struct weight *w,
                     const struct weight *bias, char **next)
{
    char plain[NAME_ROOM];

    if (!make_plain(plain, name, strlen(name) - strlen(".weight")))
        return;
    names->names[names->count++] = (struct lora_name){*next, w, bias};
    *next = stpcpy(*next, plain) + 1;
}

enum ltd_status lora_names_init(struct lora_names *names, const struct weight_set *set, bool unet,
                                struct ltd_error *err)
{
    const size_t count = weight_set_count(set), forms = unet ? 2 : 1;
    char original[WEIGHT_NAME_ROOM];
    char *next;

    *names = (struct lora_names){0};
    names->names = calloc(count * forms + 1, sizeof *names->names);
    names->text = next = calloc(count * forms + 1, NAME_ROOM);
    if (!names->names || !next) {
        lora_names_fini(names);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the names of layers");
    }
    for (size_t i = 0; i < count; i++) {
        const struct weight *w = weight_set_at(set, i), *bias;

        if (!ends_with(w->name, ".weight"))
            continue;
        bias = find_bias(set, w);
        add_name(names, w->name, w, bias, &next);
        if (unet && compvis_unet_original(set, w->name, original))
            add_name(names, original, w, bias, &next);
    }
    qsort(names->names, names->count, sizeof *names->names, compare_names);
    return LTD_OK;
}

void lora_names_fini(struct lora_names *names)
{
    free(names->names);
    free(names->text);
    *names = (struct lora_names){0};
}

const struct weight *lora_names_find(const struct lora_names *names, const char *layer,
                                     const struct weight **bias)
{
    char plain[NAME_ROOM];
    const struct lora_name key = {.plain = plain}, *found;

    if (!make_plain(plain, layer, strlen(layer)))
        return NULL;
    found = bsearch(&key, names->names, names->count, sizeof key, compare_names);
    if (!found)
        return NULL;
    *bias = found->bias;
    return found->weight;
}
