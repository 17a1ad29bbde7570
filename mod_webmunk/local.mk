# SPDX-License-Identifier: Apache-2.0
mod_LTLIBRARIES = mod_webmunk/mod_webmunk.la

mod_webmunk_mod_webmunk_la_SOURCES = \
	mod_webmunk/accept.c mod_webmunk/accept.h \
	mod_webmunk/auth.c mod_webmunk/auth.h \
	mod_webmunk/auth_form.c \
	mod_webmunk/auth_role.c mod_webmunk/auth_role.h \
	mod_webmunk/auth_secret.c mod_webmunk/auth_secret.h \
	mod_webmunk/body.c mod_webmunk/body.h \
	mod_webmunk/child.h \
	mod_webmunk/conditional.c mod_webmunk/conditional.h \
	mod_webmunk/config.c mod_webmunk/config.h \
	mod_webmunk/config_check.c \
	mod_webmunk/dbd.c mod_webmunk/dbd.h \
	mod_webmunk/handlers.h \
	mod_webmunk/handlers/alert.c \
	mod_webmunk/handlers/asset.c \
	mod_webmunk/handlers/bundle.c \
	mod_webmunk/handlers/columns.c \
	mod_webmunk/handlers/export.c mod_webmunk/handlers/export.h \
	mod_webmunk/handlers/export_file.c \
	mod_webmunk/handlers/export_new.c \
	mod_webmunk/handlers/health.c \
	mod_webmunk/handlers/monitor.c \
	mod_webmunk/handlers/monitor_host.c \
	mod_webmunk/handlers/page.c \
	mod_webmunk/handlers/participant.c \
	mod_webmunk/handlers/schedule.c \
	mod_webmunk/handlers/session.c \
	mod_webmunk/http.c mod_webmunk/http.h \
	mod_webmunk/memory.c mod_webmunk/memory.h \
	mod_webmunk/mod_webmunk.c \
	mod_webmunk/mount.c mod_webmunk/mount.h \
	mod_webmunk/page.c mod_webmunk/page.h \
	mod_webmunk/reply.c \
	mod_webmunk/route.c mod_webmunk/route.h \
	mod_webmunk/site.c mod_webmunk/site.h \
	mod_webmunk/upload.c mod_webmunk/upload.h
mod_webmunk_mod_webmunk_la_CPPFLAGS = $(AM_CPPFLAGS) $(HTTPD_CPPFLAGS) \
	-DWM_VERSION='"$(PACKAGE_VERSION)"' \
	-DWM_STATEDIR='"$(localstatedir)/lib/webmunk"' \
	-DWM_PKGDATADIR='"$(pkgdatadir)"'
# The module exports its record and nothing else.
mod_webmunk_mod_webmunk_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^webmunk_module$$'
mod_webmunk_mod_webmunk_la_LIBADD = $(WM_LIBS)

# httpd has no use for the libtool file; a directory of its own is data, so install-exec-hook would
# run too early (T20).
install-data-hook:
	rm -f '$(DESTDIR)$(moddir)/mod_webmunk.la'

# libtool finds what it installed by that file, which is gone by then.
uninstall-hook:
	rm -f '$(DESTDIR)$(moddir)/mod_webmunk.so'
