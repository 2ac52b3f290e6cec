#pragma once
// What happened in many runs, so that a reader sees that they were not trivial.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace belay::simulation {

struct Statistics {
    uint64_t runs = 0;
    uint64_t operations = 0;
    uint64_t events = 0;
    uint64_t contacts = 0;
    uint64_t commits = 0;
    uint64_t restores = 0;                    ///< steps that were undone by putting back what had been saved
    std::map<std::string, uint64_t> faults;   ///< "lost answer"
    std::map<std::string, uint64_t> crashes;  ///< "adding: before a contact"
    std::map<std::string, uint64_t> end_states;  ///< when everything rested for the first time
    std::map<std::string, uint64_t> asked;       ///< "abort while activating: accepted"

    void add(const Statistics& other);
    /// What thousands of runs must have met, and these did not; empty: nothing is missing.
    std::vector<std::string> missing() const;
    std::string text() const;
};

}  // namespace belay::simulation
