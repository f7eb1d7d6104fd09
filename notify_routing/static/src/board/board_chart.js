import {Component, onWillStart, onWillUnmount, useEffect, useRef} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {formatInteger} from "@web/views/fields/formatters";
import {loadBundle} from "@web/core/assets";
import {localization} from "@web/core/l10n/localization";

const {DateTime} = luxon;

/** In the order in which they are stacked, and as the server calls them. */
export const SERIES = [
    {name: "sent", label: _t("Sent")},
    {name: "held", label: _t("Held")},
    {name: "failed", label: _t("Failed")},
    {name: "bounced", label: _t("Bounced")},
];

/**
 * What became of e-mails by slices of time, as a chart, and as a table for those who read it.
 *
 * @extends {Component<{slices: Object, open: Function}, Env>}
 */
export class BoardChart extends Component {
    static template = "notify_routing.BoardChart";
    static props = {
        slices: Object,
        /** Called with the name of a series and the number of a slice. */
        open: Function,
    };

    setup() {
        this.series = SERIES;
        this.formatInteger = formatInteger;
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            (slices) => this.draw(slices),
            () => [this.props.slices]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    /** The hours, or for longer slices the days and hours, as the reader's clock shows them. */
    get labels() {
        const {starts, seconds} = this.props.slices;
        const format =
            seconds > 3600
                ? {weekday: "short", hour: "numeric", minute: "2-digit"}
                : DateTime.TIME_SIMPLE;
        return starts.map((start) => deserializeDateTime(start).toLocaleString(format));
    }

    /** Numbers of the slices in which anything happened: the others would make a long table. */
    get busySlices() {
        const {slices} = this.props;
        return slices.starts
            .map((_start, number) => number)
            .filter((number) => SERIES.some(({name}) => slices[name][number]));
    }

    get summary() {
        const {slices} = this.props;
        const total = ({name}) => slices[name].reduce((sum, count) => sum + count, 0);
        const parts = SERIES.map((one) => `${one.label}: ${formatInteger(total(one))}`);
        return _t("E-mails over time. %s. The table below says the same.", parts.join(", "));
    }

    draw(slices) {
        const style = getComputedStyle(this.canvas.el);
        const color = (name) => style.getPropertyValue(`--o-notify-${name}`).trim();
        const datasets = SERIES.map(({name, label}) => ({
            label: label.toString(),
            data: [...slices[name]],
            backgroundColor: color(name),
            borderRadius: 2,
        }));
        if (this.chart) {
            // Without a new chart, so that nothing flickers each minute.
            this.chart.data.labels = this.labels;
            this.chart.data.datasets.forEach((dataset, number) => {
                dataset.data = datasets[number].data;
            });
            this.chart.update();
            return;
        }
        const isRightToLeft = localization.direction === "rtl";
        const ticks = {color: color("text"), precision: 0};
        const grid = {color: color("grid")};
        this.chart = new window.Chart(this.canvas.el, {
            type: "bar",
            data: {labels: this.labels, datasets},
            options: {
                animation: false,
                maintainAspectRatio: false,
                scales: {
                    x: {
                        stacked: true,
                        reverse: isRightToLeft,
                        ticks: {...ticks, maxRotation: 0, autoSkipPadding: 12},
                        grid: {display: false},
                    },
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        position: isRightToLeft ? "right" : "left",
                        ticks,
                        grid,
                    },
                },
                plugins: {
                    legend: {
                        rtl: isRightToLeft,
                        labels: {color: color("text"), boxWidth: 14, boxHeight: 14},
                    },
                    tooltip: {rtl: isRightToLeft, mode: "index"},
                },
                onHover: (event, [bar]) => {
                    event.native.target.style.cursor = bar ? "pointer" : "";
                },
                onClick: (_event, [bar]) => {
                    if (bar) {
                        this.props.open(SERIES[bar.datasetIndex].name, bar.index);
                    }
                },
            },
        });
    }
}
