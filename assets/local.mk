# SPDX-License-Identifier: Apache-2.0
# What the browser loads is gathered in assets/ of the build directory: our files, and those of the
# packages in the lock file. The latter need npm and, once, the registry.
asset_files = \
	assets/icons/chevron.svg \
	assets/icons/webmunk.svg \
	assets/webmunk.css \
	assets/webmunk.js
asset_vendor = chart.umd.min.js chart.LICENSE htmx.min.js htmx.LICENSE pico.min.css pico.LICENSE
asset_sources = assets/.npmrc assets/build.sh assets/package.json assets/package-lock.json
EXTRA_DIST += $(asset_files) $(asset_sources)

# By their full names: the copies in the build directory, which VPATH would find first, are the result.
assets/vendor/.lock: $(addprefix $(srcdir)/,$(asset_files) $(asset_sources))
	$(AM_V_GEN)$(SHELL) $(top_srcdir)/assets/build.sh assets

all-local: assets/vendor/.lock

assetsdir = $(pkgdatadir)/assets
install-assets: assets/vendor/.lock
	$(MKDIR_P) "$(DESTDIR)$(assetsdir)/icons" "$(DESTDIR)$(assetsdir)/vendor"
	for file in $(asset_files); do \
	    $(INSTALL_DATA) "$(srcdir)/$$file" "$(DESTDIR)$(assetsdir)/$${file#assets/}" || exit 1; \
	done
	for file in $(asset_vendor); do \
	    $(INSTALL_DATA) "assets/vendor/$$file" "$(DESTDIR)$(assetsdir)/vendor/$$file" || exit 1; \
	done

uninstall-assets:
	rm -rf "$(DESTDIR)$(assetsdir)/icons" "$(DESTDIR)$(assetsdir)/vendor"
	cd "$(DESTDIR)$(assetsdir)" && rm -f webmunk.css webmunk.js

# Never in the source directory, where the files are the sources themselves.
clean-assets:
	rm -rf assets/vendor
	test "$(abs_srcdir)" = "$(abs_builddir)" || \
	    rm -rf assets/icons assets/webmunk.css assets/webmunk.js

install-data-local: install-assets
uninstall-local: uninstall-assets
clean-local: clean-assets
.PHONY: install-assets uninstall-assets clean-assets
