/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"
#include "prompt.h"
#include "wm_box.h"
#include "wm_export_sign.h"

static const wm_err *keygen(wm_run *run)
{
    const char *secret = wm_run_option(run, "secret");
    const char *public = wm_run_option(run, "public");
    char line[WM_SECRET_LINE_MAX];

    if (wm_run_option(run, "sign")) {
        WM_TRY(wm_export_sign_pair_write(secret, public, run->pool));
        WM_TRY(wm_secret_file(line, run, public));
        printf("%s\n", line);
        fprintf(stderr,
                "The line above is the public key: give it to those who check archives.  Set\n"
                "WEBMUNK_EXPORT_KEY=%s for webmunkd, which must own the file, and keep a copy "
                "offline.\n",
                secret);
        return NULL;
    }
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
    .summary = "make a key pair for encrypted bundles or signed exports",
    .help =
        "Makes a NaCl box key pair, or with --sign an Ed25519 one, writes its halves to two files\n"
        "that must not exist yet, and prints the public key.",
    .options =
        {{.name = "secret", .arg = "FILE", .help = "where the secret key goes", .required = 1},
         {.name = "public", .arg = "FILE", .help = "where the public key goes", .required = 1},
         {.name = "sign", .help = "for the signatures of exports, not for bundles"}},
    .run = keygen,
};
