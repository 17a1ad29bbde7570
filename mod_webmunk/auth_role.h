/* SPDX-License-Identifier: Apache-2.0 */
/* Require webmunk-role ROLE ...: one of the roles, in one study at least.  What a role may in which
 * study is asked later, in lib. */
#ifndef WM_AUTH_ROLE_H
#define WM_AUTH_ROLE_H

#include <apr_pools.h>

void wm_auth_role_register(apr_pool_t *pool);

#endif
