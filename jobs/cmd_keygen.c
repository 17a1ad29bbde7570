/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"
#include "prompt.h"
#include "wm_box.h"

static const wm_err *keygen(wm_run *run)
{
    const char *secret = wm_run_option(run, "secret");
    const char *public = wm_run_option(run, "public");
    char line[WM_SECRET_LINE_MAX];

    WM_TRY(wm_box_pair_write(secret, public, run->pool));
    WM_TRY(wm_secret_file(line, run, public));
    printf("%s\n", line);
    fprintf(
        stderr,
        "The line above is the server's public key; clients encrypt with it.  The secret key\n"
        "stays in %s: make it readable for httpd's group alone, and keep a copy offline.\n"
        "Next: WebmunkBoxSecretKey names that file, WebmunkBoxPeerKey the clients' public key.\n"
        "A second \"webmunkd keygen\" makes the clients' pair.\n",
        secret);
    return NULL;
}

const wm_command wm_cmd_keygen = {
    .name = "keygen",
    .args = "",
    .summary = "make a key pair for encrypted bundles",
    .help =
        "Makes a NaCl box key pair, writes its halves to two files that must not exist yet, and\n"
        "prints the public key.",
    .options =
        {{.name = "secret", .arg = "FILE", .help = "where the secret key goes", .required = 1},
         {.name = "public", .arg = "FILE", .help = "where the public key goes", .required = 1}},
    .run = keygen,
};
