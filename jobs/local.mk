# SPDX-License-Identifier: Apache-2.0
sbin_PROGRAMS += jobs/webmunkd

jobs_webmunkd_SOURCES = \
	jobs/cmd_access_log.c \
	jobs/cmd_account.c \
	jobs/cmd_alert.c \
	jobs/cmd_check_config.c \
	jobs/cmd_demo.c \
	jobs/cmd_destination.c \
	jobs/cmd_export.c \
	jobs/cmd_export_file.c \
	jobs/cmd_health.c \
	jobs/cmd_job.c \
	jobs/cmd_keygen.c \
	jobs/cmd_migrate.c \
	jobs/cmd_partitions.c \
	jobs/cmd_run.c \
	jobs/cmd_schedule.c \
	jobs/cmd_server.c jobs/cmd_server_assign.c jobs/servers.h \
	jobs/cmd_source.c \
	jobs/cmd_source_export.c \
	jobs/cmd_token.c \
	jobs/command.c jobs/command.h \
	jobs/dest.c jobs/dest.h \
	jobs/dest_drive.c jobs/dest_drive.h jobs/dest_drive_token.c jobs/dest_drive_upload.c \
	jobs/dest_dropbox.c \
	jobs/dest_local.c \
	jobs/dest_object.c \
	jobs/dest_s3.c jobs/dest_s3.h jobs/dest_s3_parts.c \
	jobs/dest_sftp.c \
	jobs/dest_webdav.c \
	jobs/forward.c jobs/forward.h \
	jobs/fetch.c jobs/fetch.h jobs/fetch_words.c \
	jobs/job_deliver.c \
	jobs/job_destination_test.c \
	jobs/job_mail.c \
	jobs/mail.c jobs/mail.h jobs/mail_notices.c jobs/mail_text.c \
	jobs/secret.c jobs/secret.h \
	jobs/settings.c jobs/settings.h jobs/settings_value.c jobs/settings_value.h \
	jobs/demo.h jobs/demo_body.c jobs/demo_post.c jobs/demo_study.c \
	jobs/exports.c jobs/exports.h \
	jobs/heads.c jobs/heads.h \
	jobs/job.c jobs/job.h \
	jobs/job_args.c jobs/job_args.h \
	jobs/job_access_log_head.c \
	jobs/job_alert_digest.c \
	jobs/job_arrival_fold.c \
	jobs/job_body_purge.c \
	jobs/job_export.c \
	jobs/job_export_nightly.c \
	jobs/job_export_purge.c \
	jobs/job_forward.c \
	jobs/health.c jobs/health.h \
	jobs/job_health.c \
	jobs/job_partitions.c \
	jobs/job_session_purge.c \
	jobs/job_source_merge.c \
	jobs/job_status_checks.c \
	jobs/jobs.c \
	jobs/main.c \
	jobs/notify.c \
	jobs/options.c \
	jobs/prompt.c jobs/prompt.h \
	jobs/runner.c jobs/runner.h jobs/runner_child.c jobs/runner_db.c
jobs_webmunkd_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(INIH_CFLAGS) -DWM_PKGDATADIR='"$(pkgdatadir)"' \
	-DWM_CONF_FILE='"$(sysconfdir)/webmunk/webmunkd.conf"'
jobs_webmunkd_LDADD = $(WM_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) $(INIH_LIBS)
