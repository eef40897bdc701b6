/*
 * commands.h - what `latentd` does besides serving.  Each returns an exit code (util/exit_code.h) and says on
 * standard error what went wrong.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "options/options.h"

/* `latentd generate`: argv holds the flags of generate.def.  Image 0 goes to --output x.png, image i to
 * x-i.png;
 * `--output -` writes the one image to standard output. */
int cmd_generate(int argc, const char *const *argv);

/* `latentd inspect PATH [--json]`: tells what a model folder or .safetensors file holds; EXIT_CODE_MODEL when
 * it could not be loaded. */
int cmd_inspect(int argc, const char *const *argv);

/* `latentd upscale`: argv holds the flags of upscale.def.  Makes one picture larger. */
int cmd_upscale(int argc, const char *const *argv);

/* `latentd bench`: argv holds the flags of bench.def.  Times a model on this machine, part by part. */
int cmd_bench(int argc, const char *const *argv);

/* `latentd --healthcheck`: EXIT_CODE_DONE when the daemon at options->listen answers GET /healthz with 200
 * each of connecting, sending and answering within five seconds. */
int cmd_healthcheck(const struct options *options);

#endif
