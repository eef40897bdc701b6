#include "base/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void number_text(char out[NUMBER_TEXT_SIZE], double number)
{
    if (fabs(number) < 1e15 && number == trunc(number)) {
        /* %g would write 500 as 5e+02. */
        snprintf(out, NUMBER_TEXT_SIZE, "%.0f", number);
        return;
    }
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(out, NUMBER_TEXT_SIZE, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            break;
    }
}
