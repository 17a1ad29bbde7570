# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/libwm.la

lib_libwm_la_SOURCES = \
	lib/wm_account.c lib/wm_account.h \
	lib/wm_account_password.c \
	lib/wm_account_role.c \
	lib/wm_account_sign_in.c \
	lib/wm_alert.c lib/wm_alert.h lib/wm_alert_digest.c \
	lib/wm_attachment.c lib/wm_attachment.h \
	lib/wm_audit.c lib/wm_audit.h lib/wm_audit_chain.c lib/wm_audit_chain.h \
	lib/wm_base64.c lib/wm_base64.h \
	lib/wm_box.c lib/wm_box.h \
	lib/wm_buf.c lib/wm_buf.h \
	lib/wm_bundle.c lib/wm_bundle.h \
	lib/wm_csrf.c lib/wm_csrf.h \
	lib/wm_db.c lib/wm_db.h lib/wm_db_own.h lib/wm_db_statement.c \
	lib/wm_decimal.c lib/wm_decimal.h \
	lib/wm_decode.h \
	lib/wm_derive.c lib/wm_derive.h \
	lib/wm_dict.c lib/wm_dict.h \
	lib/wm_err.c lib/wm_err.h \
	lib/wm_export.h lib/wm_export_int.h \
	lib/wm_export_cell.c \
	lib/wm_export_copy.c lib/wm_export_copy.h \
	lib/wm_export_count.c \
	lib/wm_export_define.c \
	lib/wm_export_hide.c \
	lib/wm_export_layout.c \
	lib/wm_export_raw.c \
	lib/wm_export_row.c lib/wm_export_row.h \
	lib/wm_export_source.c \
	lib/wm_export_stream.c \
	lib/wm_export_time.c \
	lib/wm_export_type.c \
	lib/wm_export_archive.c lib/wm_export_archive.h \
	lib/wm_export_join.c \
	lib/wm_export_manifest.c \
	lib/wm_export_part.c \
	lib/wm_export_sign.c lib/wm_export_sign.h \
	lib/wm_export_verify.c \
	lib/wm_form.c lib/wm_form.h lib/wm_form_own.h \
	lib/wm_forward.c lib/wm_forward.h \
	lib/wm_gzip.c lib/wm_gzip.h \
	lib/wm_health.c lib/wm_health.h lib/wm_health_judge.c lib/wm_health_nagios.c lib/wm_health_prometheus.c \
	lib/wm_host.c lib/wm_host.h \
	lib/wm_iso8601.c lib/wm_iso8601.h \
	lib/wm_json.c lib/wm_json.h lib/wm_json_emit.c \
	lib/wm_json_own.c lib/wm_json_own.h \
	lib/wm_json_scan.c lib/wm_json_scan.h lib/wm_json_text.c \
	lib/wm_link.c \
	lib/wm_log.c lib/wm_log.h \
	lib/wm_migrate.c lib/wm_migrate.h \
	lib/wm_multipart.c \
	lib/wm_mustache.c lib/wm_mustache.h lib/wm_mustache_int.h \
	lib/wm_mustache_load.c lib/wm_mustache_render.c \
	lib/wm_order.c \
	lib/wm_pace.c lib/wm_pace.h \
	lib/wm_page.c lib/wm_page.h lib/wm_page_int.h lib/wm_page_tables.h \
	lib/wm_page_alerts.c lib/wm_page_columns.c lib/wm_page_csv.c lib/wm_page_destinations.c lib/wm_page_document.c lib/wm_page_export.c lib/wm_page_export.h lib/wm_page_export_args.c \
	lib/wm_page_export_form.c lib/wm_page_export_new.c lib/wm_page_exports.c lib/wm_page_filters.c \
	lib/wm_page_grid.c lib/wm_page_health.c lib/wm_page_job.c lib/wm_page_live.c lib/wm_page_link.c lib/wm_page_overview.c \
	lib/wm_page_participant.c lib/wm_page_participants.c lib/wm_page_person.c lib/wm_page_study.c lib/wm_page_table.c lib/wm_page_unassigned.c \
	lib/wm_page_words.c lib/wm_page_zone.c \
	lib/wm_payload.c lib/wm_payload.h \
	lib/wm_pgarray.c lib/wm_pgarray.h \
	lib/wm_point.c lib/wm_point.h \
	lib/wm_position.c lib/wm_position.h \
	lib/wm_secondary.c lib/wm_secondary.h \
	lib/wm_session.c lib/wm_session.h \
	lib/wm_source.c lib/wm_source.h \
	lib/wm_sql.h \
	lib/wm_store.c lib/wm_store.h lib/wm_store_arrays.c lib/wm_store_groups.c \
	lib/wm_store_batch.c lib/wm_store_set.c lib/wm_store_side.c \
	lib/wm_token.c lib/wm_token.h \
	lib/wm_url.c lib/wm_url.h \
	lib/wm_utf8.c lib/wm_utf8.h \
	lib/wm_value.c lib/wm_value.h \
	lib/wm_writer.c lib/wm_writer.h \
	lib/wm_zip.c lib/wm_zip.h lib/wm_zip_pack.c lib/wm_zip_read.c lib/wm_zip_read.h \
	lib/wm_zone.c lib/wm_zone.h lib/wm_zone_rule.c lib/wm_zone_rule.h
nodist_lib_libwm_la_SOURCES = lib/wm_export_types.c lib/wm_sql.c lib/wm_sql_ids.h
lib_libwm_la_LIBADD = $(APR_LIBS) $(APU_LIBS) $(PQ_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS) $(ZLIB_LIBS) $(LIBDEFLATE_LIBS) $(MINIZIP_LIBS) -lm

BUILT_SOURCES += lib/wm_sql_ids.h
CLEANFILES += lib/wm_sql_ids.h lib/wm_sql.c lib/wm_export_types.c

lib/wm_sql_ids.h: $(SQL_QUERIES) $(top_srcdir)/build-aux/sql2h.awk
	$(AM_V_GEN)$(MKDIR_P) lib && $(AWK) -v what=h -f $(top_srcdir)/build-aux/sql2h.awk \
	    $(addprefix $(top_srcdir)/,$(SQL_QUERIES)) > $@.tmp && mv $@.tmp $@
lib/wm_sql.c: $(SQL_QUERIES) $(top_srcdir)/build-aux/sql2h.awk
	$(AM_V_GEN)$(MKDIR_P) lib && $(AWK) -v what=c -f $(top_srcdir)/build-aux/sql2h.awk \
	    $(addprefix $(top_srcdir)/,$(SQL_QUERIES)) > $@.tmp && mv $@.tmp $@

lib/wm_export_types.c: $(SQL_EXPORTS) $(top_srcdir)/build-aux/exports2c.awk
	$(AM_V_GEN)$(MKDIR_P) lib && $(AWK) -f $(top_srcdir)/build-aux/exports2c.awk \
	    $(addprefix $(top_srcdir)/,$(SQL_EXPORTS)) > $@.tmp && mv $@.tmp $@
