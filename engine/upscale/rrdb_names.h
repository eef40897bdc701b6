/*
 * rrdb_names.h - the names that the weights of ESRGAN networks have been published by.
 *
 * basicsr's (Real-ESRGAN): conv_first, body.0.rdb1.conv1, conv_body, conv_up1, conv_hr, conv_last.  ESRGAN's
 * own: conv_first, RRDB_trunk.0.RDB1.conv1, trunk_conv, upconv1, HRconv, conv_last.  Those of its first
 * release, places in a list of layers: model.0, model.1.sub.0.RDB1.conv1.0, model.1.sub.23 behind 23 blocks,
 * then a convolution for each doubling, and two more.
 */
#ifndef RRDB_NAMES_H
#define RRDB_NAMES_H

#include "weights/weight_set.h"

/* What the places of the first release mean in one file. */
struct rrdb_names {
    size_t blocks;   /* residual blocks: what stands behind them is the trunk's last convolution */
    size_t up_count; /* doublings; SIZE_MAX: the list is none of these */
};

/* false: the file has none of these names. */
bool rrdb_names_tell(const struct weight_set *file, struct rrdb_names *out);

/* A weight_name_fn, whose arg is a struct rrdb_names: basicsr's names.  What has no place there keeps its
 * name, so that it is noticed. */
bool rrdb_names_rename(const void *arg, const char *name, size_t i, struct weight_alias *out);

#endif
