#include "weights/lora_alphas.h"

#include <latentd/json.h>
#include <stdio.h>
#include <string.h>

#include "weights/lora_names.h"

#define KEY "lora_adapter_metadata"

/* What is said of one network; a zeroed value: nothing. */
struct network_alphas {
    const struct ltd_json *alpha, *pattern;
    bool by_root;
};

static const struct ltd_json *find(const struct ltd_json *config, const char *prefix, const char *name)
{
    char key[64];

    snprintf(key, sizeof key, "%s%s", prefix, name);
    return ltd_json_get(config, key);
}

/* A pattern is the end of a layer's name; PEFT would read it as a regular expression. */
static enum ltd_status check_pattern(const struct ltd_json *pattern, struct ltd_error *err)
{
    for (const struct ltd_json *p = ltd_json_first(pattern); p; p = ltd_json_next(p)) {
        if (ltd_json_type(p) != LTD_JSON_NUMBER)
            return ltd_fail(err, LTD_EFORMAT, "%s: alpha_pattern must hold numbers", KEY);
        if (strpbrk(ltd_json_key(p), "^$*+?()[]{}|\\"))
            return ltd_fail(err, LTD_EUNSUPPORTED,
                            "%s: the pattern \"%.80s\" of alpha_pattern is no name of a layer", KEY,
                            ltd_json_key(p));
    }
    return LTD_OK;
}

static enum ltd_status read_network(struct network_alphas *n, const struct ltd_json *config,
                                    const char *prefix, struct ltd_error *err)
{
    const struct ltd_json *root = find(config, prefix, "use_rslora");

    n->alpha = find(config, prefix, "lora_alpha");
    n->pattern = find(config, prefix, "alpha_pattern");
    n->by_root = ltd_json_bool(root);
    if (n->alpha && ltd_json_type(n->alpha) != LTD_JSON_NUMBER)
        return ltd_fail(err, LTD_EFORMAT, "%s: lora_alpha must be a number", KEY);
    if (n->pattern && ltd_json_type(n->pattern) != LTD_JSON_OBJECT)
        return ltd_fail(err, LTD_EFORMAT, "%s: alpha_pattern must be an object", KEY);
    if (root && ltd_json_type(root) != LTD_JSON_BOOL)
        return ltd_fail(err, LTD_EFORMAT, "%s: use_rslora must be true or false", KEY);
    return n->pattern ? check_pattern(n->pattern, err) : LTD_OK;
}

/* Whether name is the whole of a layer's name, or its last words. */
static bool ends_with(const char *layer, const char *name)
{
    const size_t length = strlen(layer), end = strlen(name);

    return length >= end && strcmp(layer + length - end, name) == 0 &&
           (length == end || layer[length - end - 1] == '.');
}

static void tell(struct lora_module *m, const struct network_alphas *networks)
{
    const char *layer;
    const struct network_alphas *n = &networks[lora_network_of(m->name, &layer)];
    const struct ltd_json *alpha = n->alpha;

    for (const struct ltd_json *p = n->pattern ? ltd_json_first(n->pattern) : NULL; p; p = ltd_json_next(p))
        if (ends_with(layer, ltd_json_key(p))) {
            alpha = p;
            break;
        }
    m->has_alpha = alpha != NULL;
    m->alpha = alpha ? ltd_json_number(alpha) : 0;
    m->by_root = n->by_root;
}

enum ltd_status lora_alphas_read(const char *text, struct lora_module *modules, size_t count,
                                 struct ltd_error *err)
{
    static const char *const prefixes[LORA_NETWORKS] = {
        [LORA_UNET] = "unet.",
        [LORA_TEXT_ENCODER] = "text_encoder.",
        [LORA_TEXT_ENCODER_2] = "text_encoder_2.",
    };
    struct network_alphas networks[LORA_NETWORKS] = {{0}};
    struct ltd_json *config = NULL;
    struct ltd_error why;
    enum ltd_status st = ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &config, &why);

    if (st != LTD_OK)
        return ltd_fail(err, st, "%s: %s", KEY, why.message);
    if (ltd_json_type(config) != LTD_JSON_OBJECT)
        st = ltd_fail(err, LTD_EFORMAT, "%s must be an object", KEY);
    /* The U-Net's own, where it was written without a pipeline. */
    if (st == LTD_OK)
        st = read_network(&networks[LORA_UNET], config, "", err);
    for (int i = 0; i < LORA_NETWORKS && st == LTD_OK; i++)
        if (i != LORA_UNET || !networks[i].alpha)
            st = read_network(&networks[i], config, prefixes[i], err);
    for (size_t i = 0; i < count && st == LTD_OK; i++)
        if (modules[i].form == LORA_LOW_RANK && !modules[i].part[LORA_ALPHA])
            tell(&modules[i], networks);
    ltd_json_free(config);
    return st;
}
