#pragma once
// What belayd tells, as figures for Prometheus. Names and units are by its conventions
// (prometheus.io/docs/practices/naming): seconds, bytes, ratios from 0 to 1; what counts up ends in _total.
// What is in one of several states has a figure for each, of which one is 1.

#include "base/json.h"

#include <prometheus/metric_family.h>
#include <vector>

namespace belay::site::metrics {

using Families = std::vector<prometheus::MetricFamily>;

/// Answers of belayd and of belay-messages to the methods of these names (docs/protocol.md); null: it did not
/// answer, and what would be made of it is not there.
struct Told {
    Json status = {};    ///< Status, whole
    Json alarms = {};    ///< AlarmList, with its conditions
    Json pairs = {};     ///< Pairs
    Json health = {};    ///< StorageHealth
    Json messages = {};  ///< Status of belay-messages
};

/// Whether belayd answers is told always, all else as far as it is there: a field that is missing, or of
/// another kind, leaves out that figure alone. Threads: any.
Families figures_of(const Told& told);

}  // namespace belay::site::metrics
