# SPDX-License-Identifier: Apache-2.0
dist_man_MANS = man/mod_webmunk.5 man/webmunkd.8 man/webmunkd.conf.5
