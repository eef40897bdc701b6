#include "upscale/upscale_net.h"

#include <stdlib.h>

#include "upscale/compact_net.h"
#include "upscale/rrdb_names.h"
#include "upscale/rrdb_net.h"

struct upscale_net {
    struct weight_set *file, *weights; /* weights: the file's, by basicsr's names; NULL of shapes alone */
    struct heap_list memory;
    bool is_compact;
    struct rrdb_net rrdb;
    struct compact_net compact;
};

static bool is_compact(const struct weight_set *file)
{
    const struct weight *first = weight_set_find(file, "body.0.weight");

    return first && first->rank == 4 && weight_set_find(file, "body.1.weight");
}

static enum ltd_status bind(struct upscale_net *net, enum bind_use use, struct ltd_error *err)
{
    struct binder b;
    enum ltd_status st = binder_init(&b, "upscaler", net->weights, &net->memory, NULL, err);

    if (st != LTD_OK)
        return st;
    b.told_by = "the rest of the file";
    b.use = use;
    if (net->is_compact)
        compact_net_bind(&net->compact, &b);
    else
        rrdb_net_bind(&net->rrdb, &b);
    return binder_finish(&b);
}

static enum ltd_status open_weights(struct upscale_net *net, const char *path, struct ltd_error *err)
{
    struct rrdb_names names;
    enum ltd_status st = weight_set_open_unnamed(path, &net->file, err);

    if (st != LTD_OK)
        return st;
    net->is_compact = is_compact(net->file);
    if (!rrdb_names_tell(net->file, &names) && !net->is_compact)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "is no upscaler that is known here: it has neither the tensors of an ESRGAN "
                        "(body.0.rdb1.conv1, RRDB_trunk.0.RDB1.conv1, model.1.sub.0.RDB1.conv1.0) nor those "
                        "of a compact one (body.0, body.1)");
    return weight_set_view(net->file, "upscaler", rrdb_names_rename, &names, &net->weights, err);
}

static void close_weights(struct upscale_net *net)
{
    weight_set_close(net->weights);
    weight_set_close(net->file);
    net->weights = net->file = NULL;
}

enum ltd_status upscale_net_open(const char *path, enum bind_use use, struct upscale_net **out,
                                 struct ltd_error *err)
{
    struct upscale_net *net = calloc(1, sizeof *net);
    enum ltd_status st;

    if (!net)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the upscaler");
    st = open_weights(net, path, err);
    if (st == LTD_OK)
        st = bind(net, use, err);
    if (use == BIND_SHAPES)
        close_weights(net);
    if (st == LTD_OK)
        *out = net;
    else
        upscale_net_close(net);
    return st;
}

void upscale_net_close(struct upscale_net *net)
{
    if (!net)
        return;
    heap_list_fini(&net->memory);
    close_weights(net);
    free(net);
}

const char *upscale_net_architecture(const struct upscale_net *net)
{
    return net->is_compact ? "compact" : "esrgan";
}

size_t upscale_net_factor(const struct upscale_net *net)
{
    return net->is_compact ? net->compact.factor : rrdb_net_factor(&net->rrdb);
}

size_t upscale_net_unit(const struct upscale_net *net)
{
    return net->is_compact ? 1 : net->rrdb.unshuffle;
}

void upscale_net_forward(const struct upscale_net *net, struct exec *e, struct tensor y, struct tensor x)
{
    if (net->is_compact)
        compact_net_forward(&net->compact, e, y, x);
    else
        rrdb_net_forward(&net->rrdb, e, y, x);
}
