/*
 * session_pool.h - the compute threads of a session, for what is run beside its model.
 */
#ifndef SESSION_POOL_H
#define SESSION_POOL_H

#include <latentd/session.h>

#include "base/pool.h"

struct pool *session_pool(const struct ltd_session *session);

#endif
