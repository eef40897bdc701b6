/*
 * exit_code.h - what the program's exit codes mean.
 */
#ifndef EXIT_CODE_H
#define EXIT_CODE_H

enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2, /* the command line or the configuration is wrong */
    EXIT_CODE_MODEL = 3  /* a model cannot be loaded */
};

#endif
