/* SPDX-License-Identifier: Apache-2.0 */
/* Pages work without this file. It draws the plots from the JSON of the same page, and keeps what
   the reader has opened when a part of the page reloads itself. */
(function () {
    'use strict';

    var palette = ['--wm-link', '--wm-warn', '--wm-ok', '--wm-bad'];
    var dashes = [[], [6, 4], [2, 3], [8, 3, 2, 3]];
    var charts = [];
    var opened = [];
    var paused = false;

    function colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    }

    function member(value, path) {
        return path.split('.').reduce(function (inner, key) {
            return inner ? inner[key] : undefined;
        }, value);
    }

    function line(label, rows, key, index) {
        return {
            label: label,
            data: rows.map(function (row) { return row[key]; }),
            borderColor: colour(palette[index % palette.length]),
            borderDash: dashes[index % dashes.length],
            borderWidth: 2,
            pointRadius: 0,
            pointHitRadius: 8,
            spanGaps: false
        };
    }

    /* Two lines without stroke, the space between them filled. */
    function band(spec, rows) {
        var parts = spec.split(':');
        var low = line('', rows, parts[0], 0), high = line(parts[2], rows, parts[1], 0);

        [low, high].forEach(function (set) {
            set.borderWidth = 0;
            set.pointHitRadius = 0;
            set.backgroundColor = colour('--wm-band');
        });
        high.fill = '-1';
        return rows.some(function (row) { return row[parts[0]] !== null; }) ? [low, high] : [];
    }

    function datasets(figure, rows) {
        var sets = figure.dataset.band ? band(figure.dataset.band, rows) : [];

        return sets.concat(figure.dataset.values.split(',').map(function (spec, index) {
            var parts = spec.split(':');

            return line(parts[1], rows, parts[0], index);
        }));
    }

    function scales(figure) {
        var text = colour('--wm-quiet'), grid = { color: colour('--wm-line') };
        var y = { beginAtZero: true, grid: grid, ticks: { color: text }, title: { display: true, text: figure.dataset.unit, color: text } };

        if (figure.dataset.log) {
            /* A logarithm has no zero: none is drawn as a gap. */
            y.type = 'logarithmic';
        }
        return { x: { grid: grid, ticks: { color: text, maxTicksLimit: Math.min(9, Math.floor(figure.clientWidth / 115)), maxRotation: 0 } }, y: y };
    }

    function draw(figure, page) {
        var rows = member(page, figure.dataset.rows) || [];
        var plot = figure.querySelector('.plot');
        var canvas = document.createElement('canvas');

        if (!rows.length || !window.Chart) {
            return;
        }
        /* The caption and the table say what the picture shows. */
        canvas.setAttribute('aria-hidden', 'true');
        plot.replaceChildren(canvas);
        charts.push(new window.Chart(canvas, {
            type: 'line',
            data: { labels: rows.map(function (row) { return row[figure.dataset.x]; }), datasets: datasets(figure, rows) },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: 'index', intersect: false },
                scales: scales(figure),
                plugins: { legend: { labels: { color: colour('--wm-text'), filter: function (item) { return item.text; } } } }
            }
        }));
    }

    function drawAll() {
        var figures = Array.from(document.querySelectorAll('figure[data-chart]'));
        var json = document.querySelector('footer a[href*=".json"]');

        charts.forEach(function (chart) { chart.destroy(); });
        charts = [];
        if (!figures.length || !json) {
            return;
        }
        fetch(json.href, { credentials: 'same-origin', headers: { Accept: 'application/json' } })
            .then(function (answer) {
                if (!answer.ok) {
                    throw new Error(String(answer.status));
                }
                return answer.json();
            })
            .then(function (page) {
                figures.forEach(function (figure) { draw(figure, page); });
            })
            .catch(function () {
                /* The table below has the numbers. */
            });
    }

    /* Who reads in the part that reloads, or asked for rest, is not disturbed. */
    function busy(part) {
        var selection = document.getSelection();

        return paused || document.hidden || part.contains(document.activeElement) ||
            part.querySelector('.pick:checked') || (selection && !selection.isCollapsed);
    }

    /* Before the buttons for several rows, a box that selects all of them. */
    function setUpPicks() {
        var form = document.getElementById('several');
        var all = document.createElement('input');
        var label = document.createElement('label');
        var picks = Array.from(document.querySelectorAll('.pick'));

        if (!form) {
            return;
        }
        all.type = 'checkbox';
        all.className = 'pick';
        all.addEventListener('change', function () {
            picks.forEach(function (one) { one.checked = all.checked; });
        });
        picks.forEach(function (one) {
            one.addEventListener('change', function () {
                all.checked = picks.every(function (other) { return other.checked; });
            });
        });
        label.append(all, 'Select all shown');
        form.prepend(label);
    }

    /* The time zone of this browser is one more choice, where it is none yet. */
    function setUpZone() {
        var form = document.querySelector('.zone form');
        var here = Intl.DateTimeFormat().resolvedOptions().timeZone;
        var item = document.createElement('li');
        var link = document.createElement('a');
        var note = document.createElement('span');
        var list, fields;

        if (!form || !here) {
            return;
        }
        list = form.parentNode.querySelector('ul');
        if (Array.from(list.querySelectorAll('a')).some(function (one) { return one.dataset.zone === here; })) {
            return;
        }
        fields = new URLSearchParams(new FormData(form));
        fields.set('zone', here);
        link.href = form.getAttribute('action') + '?' + fields;
        link.append(here + ' ', note);
        note.className = 'quiet';
        note.textContent = 'this browser\u2019s';
        item.append(link);
        list.append(item);
    }

    function setUpRefresh() {
        var place = document.querySelector('.refresh');
        var button;

        if (!place || !document.getElementById('live')) {
            return;
        }
        button = document.createElement('button');
        button.type = 'button';
        button.className = 'plain';
        button.setAttribute('aria-pressed', 'false');
        button.textContent = 'Stop refreshing every ' + (place.dataset.every || '30 seconds');
        button.addEventListener('click', function () {
            paused = !paused;
            button.setAttribute('aria-pressed', String(paused));
        });
        place.append(button);
    }

    function open() {
        return Array.from(document.querySelectorAll('#live details[open][id]')).map(function (one) { return one.id; });
    }

    document.addEventListener('htmx:beforeRequest', function (event) {
        if (event.target.id === 'live' && busy(event.target)) {
            event.preventDefault();
        }
    });
    document.addEventListener('htmx:beforeSwap', function (event) {
        /* Signed out meanwhile: the answer is another page. */
        if (event.detail.xhr.status === 304) {
            event.preventDefault();
            return;
        }
        if (event.detail.serverResponse.indexOf('id="live"') < 0) {
            event.preventDefault();
            window.location.reload();
            return;
        }
        opened = open();
    });
    document.addEventListener('htmx:afterSettle', function () {
        opened.forEach(function (id) {
            var one = document.getElementById(id);

            if (one) {
                one.open = true;
            }
        });
        setUpPicks();
        drawAll();
    });
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
    setUpZone();
    setUpRefresh();
    setUpPicks();
    drawAll();
}());
