# SPDX-License-Identifier: Apache-2.0
templatesdir = $(pkgdatadir)/templates
dist_templates_DATA = \
	templates/alerts.mustache \
	templates/destinations.mustache \
	templates/error.mustache \
	templates/export-new.mustache \
	templates/export.mustache \
	templates/exports.mustache \
	templates/job.mustache \
	templates/overview.mustache \
	templates/participant.mustache \
	templates/participants.mustache \
	templates/signin.mustache \
	templates/system.mustache \
	templates/unassigned.mustache

partialsdir = $(templatesdir)/partials
dist_partials_DATA = \
	templates/partials/arrivals.mustache \
	templates/partials/breadcrumb.mustache \
	templates/partials/chips.mustache \
	templates/partials/chooser.mustache \
	templates/partials/columns.mustache \
	templates/partials/export-actions.mustache \
	templates/partials/export-live.mustache \
	templates/partials/export-progress.mustache \
	templates/partials/exports-live.mustache \
	templates/partials/foot.mustache \
	templates/partials/head.mustache \
	templates/partials/health-charts.mustache \
	templates/partials/health.mustache \
	templates/partials/job-live.mustache \
	templates/partials/kept-fields.mustache \
	templates/partials/nav.mustache \
	templates/partials/pager.mustache \
	templates/partials/state.mustache \
	templates/partials/system-live.mustache \
	templates/partials/tab-completeness.mustache \
	templates/partials/tab-day.mustache \
	templates/partials/tab-generators.mustache \
	templates/partials/tab-points.mustache \
	templates/partials/tab-uploads.mustache \
	templates/partials/zone.mustache
