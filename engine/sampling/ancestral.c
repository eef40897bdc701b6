#include "sampling/ancestral.h"

#include <math.h>

enum ltd_status ancestral_step(struct ancestral_step *step, float from, float to, double eta,
                               struct ltd_error *err)
{
    const float from2 = from * from, to2 = to * to;
    const float up = (float)eta * sqrtf(to2 * (from2 - to2) / from2);
    const float down = up == 0 ? to : sqrtf(to2 - up * up);

    *step = (struct ancestral_step){.down = down, .up = up};
    if (isfinite(up) && isfinite(down))
        return LTD_OK;
    return ltd_fail(err, LTD_EINVAL,
                    "the noise does not fall from sigma %g to %g; take fewer steps or another scheduler",
                    (double)from, (double)to);
}
