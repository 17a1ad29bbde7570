# SPDX-License-Identifier: Apache-2.0
# Unit programs print TAP; automake's TAP driver is not needed, prove runs everything.
unit_programs = \
	t/unit/account \
	t/unit/attachment \
	t/unit/base64 \
	t/unit/box \
	t/unit/bundle \
	t/unit/csrf \
	t/unit/derive \
	t/unit/err \
	t/unit/form \
	t/unit/gather \
	t/unit/gzip \
	t/unit/json \
	t/unit/limits \
	t/unit/memory \
	t/unit/mustache \
	t/unit/pace \
	t/unit/page \
	t/unit/mutate \
	t/unit/secondary \
	t/unit/sign_in \
	t/unit/store \
	t/unit/store_race \
	t/unit/vectors \
	t/unit/writer \
	t/unit/zip

check_PROGRAMS += $(unit_programs) t/unit/export_flip t/unit/export_rows
t_unit_zip_SOURCES = t/unit/zip.c t/unit/tap.h
t_unit_zip_LDADD = $(WM_LIBS)
t_unit_export_flip_SOURCES = t/unit/export_flip.c t/unit/tap.h
t_unit_export_flip_LDADD = $(WM_LIBS)
t_unit_export_rows_SOURCES = t/unit/bundles.h t/unit/export_rows.c t/unit/tap.h
t_unit_export_rows_LDADD = $(WM_LIBS)
t_unit_sign_in_SOURCES = t/unit/sign_in.c t/unit/tap.h
t_unit_sign_in_LDADD = $(WM_LIBS)
t_unit_csrf_SOURCES = t/unit/csrf.c t/unit/tap.h
t_unit_csrf_LDADD = $(WM_LIBS)
t_unit_account_SOURCES = t/unit/account.c t/unit/tap.h
t_unit_account_LDADD = $(WM_LIBS)
t_unit_attachment_SOURCES = t/unit/attachment.c t/unit/tap.h
t_unit_attachment_LDADD = $(WM_LIBS)
t_unit_base64_SOURCES = t/unit/base64.c t/unit/tap.h
t_unit_base64_LDADD = $(WM_LIBS)
t_unit_box_SOURCES = t/unit/box.c t/unit/tap.h
t_unit_box_LDADD = $(WM_LIBS)
t_unit_err_SOURCES = t/unit/err.c t/unit/tap.h
t_unit_err_LDADD = $(WM_LIBS)
t_unit_form_SOURCES = t/unit/form.c t/unit/tap.h
t_unit_form_LDADD = $(WM_LIBS)
t_unit_gather_SOURCES = t/unit/bundles.h t/unit/gather.c t/unit/senders.h t/unit/tap.h
t_unit_gather_CFLAGS = $(AM_CFLAGS) -pthread
t_unit_gather_LDADD = $(WM_LIBS)
t_unit_gzip_SOURCES = t/unit/gzip.c t/unit/tap.h
t_unit_gzip_LDADD = $(WM_LIBS)
t_unit_limits_SOURCES = t/unit/limits.c t/unit/tap.h
t_unit_limits_LDADD = $(WM_LIBS)
t_unit_memory_SOURCES = mod_webmunk/memory.c mod_webmunk/memory.h t/unit/memory.c t/unit/tap.h
t_unit_memory_LDADD = $(WM_LIBS)
t_unit_mustache_SOURCES = t/unit/mustache.c t/unit/tap.h
t_unit_mustache_LDADD = $(WM_LIBS)
t_unit_pace_SOURCES = t/unit/pace.c t/unit/tap.h
t_unit_pace_LDADD = $(WM_LIBS)
t_unit_page_SOURCES = t/unit/page.c t/unit/tap.h
t_unit_page_LDADD = $(WM_LIBS)
t_unit_vectors_SOURCES = t/unit/vectors.c t/unit/tap.h
t_unit_vectors_LDADD = $(WM_LIBS)
t_unit_json_SOURCES = t/unit/json.c t/unit/tap.h
t_unit_json_LDADD = $(WM_LIBS)
t_unit_derive_SOURCES = t/unit/derive.c t/unit/tap.h
t_unit_derive_LDADD = $(WM_LIBS)
t_unit_secondary_SOURCES = t/unit/secondary.c t/unit/tap.h
t_unit_secondary_LDADD = $(WM_LIBS)
t_unit_bundle_SOURCES = t/unit/bundle.c t/unit/tap.h
t_unit_bundle_LDADD = $(WM_LIBS)
t_unit_mutate_SOURCES = t/unit/mutate.c t/unit/tap.h
t_unit_mutate_LDADD = $(WM_LIBS)

# Replaying the corpus of each fuzz target; t/fuzz/README says how to add one.
replay_programs = \
	t/fuzz/replay_base64 \
	t/fuzz/replay_box \
	t/fuzz/replay_bundle \
	t/fuzz/replay_derive \
	t/fuzz/replay_form \
	t/fuzz/replay_gzip \
	t/fuzz/replay_json \
	t/fuzz/replay_mustache \
	t/fuzz/replay_settings

check_PROGRAMS += $(replay_programs)
t_fuzz_replay_base64_SOURCES = t/fuzz/fuzz_base64.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_base64_LDADD = $(WM_LIBS)
t_fuzz_replay_box_SOURCES = t/fuzz/fuzz_box.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_box_LDADD = $(WM_LIBS)
t_fuzz_replay_form_SOURCES = t/fuzz/fuzz_form.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_form_LDADD = $(WM_LIBS)
t_fuzz_replay_gzip_SOURCES = t/fuzz/fuzz_gzip.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_gzip_LDADD = $(WM_LIBS)
t_fuzz_replay_mustache_SOURCES = t/fuzz/fuzz_mustache.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_mustache_LDADD = $(WM_LIBS)
t_fuzz_replay_json_SOURCES = t/fuzz/fuzz_json.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_json_LDADD = $(WM_LIBS)
t_fuzz_replay_derive_SOURCES = t/fuzz/fuzz_derive.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_derive_LDADD = $(WM_LIBS)
t_fuzz_replay_bundle_SOURCES = t/fuzz/fuzz_bundle.c t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_bundle_LDADD = $(WM_LIBS)
t_fuzz_replay_settings_SOURCES = jobs/mail_text.c jobs/secret.c jobs/settings.c jobs/settings_value.c t/fuzz/fuzz_settings.c \
	t/fuzz/fuzz.h t/fuzz/replay.c
t_fuzz_replay_settings_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS) -I$(top_srcdir)/jobs -DWM_CONF_FILE='"/nonexistent"'
t_fuzz_replay_settings_LDADD = $(WM_LIBS) $(INIH_LIBS)
EXTRA_DIST += t/fuzz/README t/fuzz/build.sh t/fuzz/corpus

t_unit_store_SOURCES = t/unit/bundles.h t/unit/store.c t/unit/tap.h
t_unit_store_LDADD = $(WM_LIBS)
t_unit_store_race_SOURCES = t/unit/bundles.h t/unit/store_race.c t/unit/tap.h
t_unit_store_race_CFLAGS = $(AM_CFLAGS) -pthread
t_unit_store_race_LDADD = $(WM_LIBS)
t_unit_writer_SOURCES = t/unit/bundles.h t/unit/senders.h t/unit/tap.h t/unit/writer.c
t_unit_writer_CFLAGS = $(AM_CFLAGS) -pthread
t_unit_writer_LDADD = $(WM_LIBS)

# The runner with jobs of its own, for t/15N.
check_PROGRAMS += t/runner/testd
t_runner_testd_SOURCES = jobs/job.c jobs/job.h jobs/notify.c jobs/runner.c jobs/runner.h \
	jobs/runner_child.c jobs/runner_db.c t/runner/testd.c
t_runner_testd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/jobs
t_runner_testd_LDADD = $(WM_LIBS)

# Perl tests, by number: 1NN database, 2NN httpd, 3NN runner, 9NN source guards.
perl_tests = \
	t/101-statements.t \
	t/120-migrate.t \
	t/121-accounts.t \
	t/122-audit.t \
	t/123-sign-in.t \
	t/130-demo.t \
	t/131-restore.t \
	t/132-positions.t \
	t/140-store.t \
	t/141-writer.t \
	t/142-store-race.t \
	t/143-gather.t \
	t/150-runner.t \
	t/151-schedules.t \
	t/152-jobs.t \
	t/153-alerts.t \
	t/154-settings.t \
	t/155-health.t \
	t/156-access-log.t \
	t/156-alert-mail.t \
	t/157-merge.t \
	t/158-forward.t \
	t/160-export-rows.t \
	t/161-export-cells.t \
	t/162-export-pseudonyms.t \
	t/163-export-pdk.t \
	t/164-export-corrections.t \
	t/165-export-type.t \
	t/170-archive.t \
	t/171-nightly.t \
	t/172-full-disk.t \
	t/173-archive-proof.t \
	t/174-nights.t \
	t/175-interrupted.t \
	t/176-left-out.t \
	t/180-destinations.t \
	t/181-sftp.t \
	t/182-s3.t \
	t/183-webdav.t \
	t/184-mail.t \
	t/185-dropbox.t \
	t/186-drive.t \
	t/200-vectors-event-h1.t \
	t/200-vectors-event-h2.t \
	t/200-vectors-prefork-h1.t \
	t/200-vectors-worker-h1.t \
	t/200-vectors-worker-h2.t \
	t/201-methods.t \
	t/202-load-event.t \
	t/202-load-prefork.t \
	t/202-load-worker.t \
	t/203-faults.t \
	t/204-directives.t \
	t/205-http2.t \
	t/206-borrow.t \
	t/207-hostile.t \
	t/210-install.t \
	t/220-signin.t \
	t/221-pages.t \
	t/222-signin-locations.t \
	t/223-page-answers.t \
	t/224-hostile-pages.t \
	t/225-studies.t \
	t/226-time-zones.t \
	t/227-participants.t \
	t/230-quickstart.t \
	t/231-exports.t \
	t/232-export-form.t \
	t/233-alerts.t \
	t/234-monitor.t \
	t/235-participant.t \
	t/236-sensitive.t \
	t/300-browser.t \
	t/901-sizes.t \
	t/902-layers.t \
	t/903-headers.t \
	t/904-directives.t \
	t/905-log-tags.t \
	t/906-templates.t \
	t/907-banned.t \
	t/908-spdx.t \
	t/909-format.t \
	t/910-commands.t \
	t/911-settings.t \
	t/912-tests.t

EXTRA_DIST += $(perl_tests) \
	t/servers/.npmrc t/servers/package.json t/servers/package-lock.json t/servers/drive.js t/servers/dropbox.js t/servers/s3.js t/servers/smtp.js \
	t/browser/.npmrc t/browser/package.json t/browser/package-lock.json t/browser/forms.js t/browser/run.js \
	t/lib/WmTest.pm \
	t/lib/streams.js \
	t/lib/WmTest/Browser.pm \
	t/lib/WmTest/Client.pm \
	t/lib/WmTest/Deliver.pm \
	t/lib/WmTest/Export.pm \
	t/lib/WmTest/Httpd.pm \
	t/lib/WmTest/Peer.pm \
	t/lib/WmTest/Postgres.pm \
	t/lib/WmTest/Server.pm \
	t/lib/WmTest/Source.pm \
	t/lib/WmTest/Uploads.pm \
	t/lib/WmTest/Vectors.pm
WM_JOBS = 2
WM_PROVE = WM_BUILDDIR='$(abs_top_builddir)' WM_SRCDIR='$(abs_top_srcdir)' HTTPD='$(HTTPD)' \
	HTTPD_MODULES='$(HTTPD_MODULES)' PG_BINDIR='$(PG_BINDIR)' WM_SANITIZERS='$(SANITIZERS)' \
	$(PROVE) -j$(WM_JOBS) $(PROVE_FLAGS)

check-local: $(check_PROGRAMS)
	$(WM_PROVE) $(addprefix $(abs_top_builddir)/,$(unit_programs) $(replay_programs)) \
	    $(addprefix $(abs_top_srcdir)/,$(perl_tests))
