# SPDX-License-Identifier: Apache-2.0
# An administrator's webmunk.conf or webmunkd.conf is never overwritten: a newer one is put beside it.
statedir = $(localstatedir)/lib/webmunk
conf_templates = conf/auth-oidc.conf.in conf/webmunk.conf.in conf/webmunk.load.in conf/webmunkd.conf.in conf/webmunkd.service.in
conf_files = conf/auth-oidc.conf conf/webmunk.conf conf/webmunk.load conf/webmunkd.conf conf/webmunkd.service

EXTRA_DIST += $(conf_templates) conf/quickstart-httpd.conf.in
CLEANFILES += $(conf_files)
noinst_DATA = $(conf_files)

$(conf_files): Makefile
conf/auth-oidc.conf: conf/auth-oidc.conf.in
conf/webmunk.conf: conf/webmunk.conf.in
conf/webmunk.load: conf/webmunk.load.in
conf/webmunkd.conf: conf/webmunkd.conf.in
conf/webmunkd.service: conf/webmunkd.service.in
$(conf_files):
	$(AM_V_GEN)$(MKDIR_P) conf && sed -e 's|@moddir[@]|$(moddir)|g' -e 's|@statedir[@]|$(statedir)|g' \
	    -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@sbindir[@]|$(sbindir)|g' \
	    -e 's|@apacheconfdir[@]|$(apacheconfdir)|g' $(top_srcdir)/$@.in > $@.tmp && mv $@.tmp $@

install-conf: $(conf_files)
	$(MKDIR_P) "$(DESTDIR)$(apacheconfdir)"
	$(INSTALL_DATA) conf/webmunk.load "$(DESTDIR)$(apacheconfdir)/webmunk.load"
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/webmunk"
	for pair in webmunk.conf:$(apacheconfdir)/webmunk.conf auth-oidc.conf:$(apacheconfdir)/webmunk-auth-oidc.conf \
	    webmunkd.conf:$(sysconfdir)/webmunk/webmunkd.conf; do \
	    from=conf/$${pair%%:*}; to="$(DESTDIR)$${pair#*:}"; \
	    if test -e "$$to" && ! cmp -s "$$from" "$$to"; then to="$$to.new"; fi; \
	    $(INSTALL_DATA) "$$from" "$$to" || exit 1; \
	done
	$(MKDIR_P) "$(DESTDIR)$(systemdunitdir)"
	$(INSTALL_DATA) conf/webmunkd.service "$(DESTDIR)$(systemdunitdir)/webmunkd.service"

uninstall-conf:
	cd "$(DESTDIR)$(apacheconfdir)" && rm -f webmunk.load webmunk.conf webmunk.conf.new \
	    webmunk-auth-oidc.conf webmunk-auth-oidc.conf.new
	rm -f "$(DESTDIR)$(systemdunitdir)/webmunkd.service"
	cd "$(DESTDIR)$(sysconfdir)/webmunk" && rm -f webmunkd.conf webmunkd.conf.new

install-data-local: install-conf
uninstall-local: uninstall-conf
.PHONY: install-conf uninstall-conf
