/*
 * serve.h - the daemon's life.
 */
#ifndef SERVE_H
#define SERVE_H

#include "options/options.h"

/* Opens the models, starts the workers and the HTTP server, and serves until SIGTERM or SIGINT, which drains:
 * no new jobs are taken, those there are have options->drain_seconds to finish, and everybody who waits is
 * answered.  A second signal ends the process at once.  Returns an exit code (util/exit_code.h). */
int serve_run(const struct options *options);

#endif
