// Recognizes the layouts of known data sets by files that only they have.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_DATASET_LAYOUTS_H_
#define SEMBLANCE_DATASET_LAYOUTS_H_

#include <string>

namespace semblance::dataset {

// Return true if `directory` looks like what OpenCub200, OpenCars196 or OpenOnlineProducts opens. It may be incomplete.
bool IsCub200(const std::string& directory);
bool IsCars196(const std::string& directory);
bool IsOnlineProducts(const std::string& directory);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_LAYOUTS_H_
