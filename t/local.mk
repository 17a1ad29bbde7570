# SPDX-License-Identifier: Apache-2.0
# Unit programs print TAP; automake's TAP driver is not needed, prove runs everything.
unit_programs = \
	t/unit/err \
	t/unit/mustache

check_PROGRAMS += $(unit_programs)
t_unit_err_SOURCES = t/unit/err.c t/unit/tap.h
t_unit_err_LDADD = $(WM_LIBS)
t_unit_mustache_SOURCES = t/unit/mustache.c t/unit/tap.h
t_unit_mustache_LDADD = $(WM_LIBS)

# Perl tests, by number: 1NN database, 2NN httpd, 3NN runner, 9NN source guards.
perl_tests =

EXTRA_DIST += $(perl_tests) \
	t/lib/WmTest.pm \
	t/lib/WmTest/Client.pm \
	t/lib/WmTest/Httpd.pm \
	t/lib/WmTest/Postgres.pm
WM_JOBS = 2
WM_PROVE = WM_BUILDDIR='$(abs_top_builddir)' WM_SRCDIR='$(abs_top_srcdir)' HTTPD='$(HTTPD)' \
	HTTPD_MODULES='$(HTTPD_MODULES)' PG_BINDIR='$(PG_BINDIR)' WM_SANITIZERS='$(SANITIZERS)' \
	$(PROVE) -j$(WM_JOBS) $(PROVE_FLAGS)

check-local: $(check_PROGRAMS)
	$(WM_PROVE) $(addprefix $(abs_top_builddir)/,$(unit_programs)) $(addprefix $(abs_top_srcdir)/,$(perl_tests))
