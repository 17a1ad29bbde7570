# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += conf/quickstart-httpd.conf.in
