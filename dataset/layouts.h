// How to tell the layouts of known data sets by the files that only they have.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_DATASET_LAYOUTS_H_
#define SEMBLANCE_DATASET_LAYOUTS_H_

#include <string>

namespace semblance::dataset {

// Whether `directory` is meant as what OpenCub200, OpenCars196 or OpenOnlineProducts opens; it may still be incomplete.
bool IsCub200(const std::string& directory);
bool IsCars196(const std::string& directory);
bool IsOnlineProducts(const std::string& directory);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_LAYOUTS_H_
