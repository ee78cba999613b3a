// Writes small .mat files of version 5. They are not compressed, because matio 1.5.23 pads compressed texts wrongly.
#ifndef SEMBLANCE_TESTS_DATASET_MAT_FIXTURE_H_
#define SEMBLANCE_TESTS_DATASET_MAT_FIXTURE_H_

#include <matio.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace semblance::testing {

// matio copies nothing, and frees values in arrays with C's allocator. So each value is made in its place.
inline matvar_t* NewMatText(const std::string& text) {
  size_t size[] = {1, text.size()};
  return Mat_VarCreate(nullptr, MAT_C_CHAR, MAT_T_UINT8, 2, size, const_cast<char*>(text.data()), 0);
}

// Does the same with two bytes per character.
inline matvar_t* NewMatWideText(const std::string& text) {
  std::vector<uint16_t> characters(text.begin(), text.end());
  size_t size[] = {1, text.size()};
  return Mat_VarCreate(nullptr, MAT_C_CHAR, MAT_T_UINT16, 2, size, characters.data(), 0);
}

inline matvar_t* NewMatNumber(double number) {
  size_t size[] = {1, 1};
  return Mat_VarCreate(nullptr, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, size, &number, 0);
}

inline matvar_t* NewMatByte(uint8_t number) {
  size_t size[] = {1, 1};
  return Mat_VarCreate(nullptr, MAT_C_UINT8, MAT_T_UINT8, 2, size, &number, 0);
}

inline matvar_t* NewMatCells(const std::string& name, std::vector<matvar_t*> cells) {
  size_t size[] = {1, cells.size()};
  return Mat_VarCreate(name.c_str(), MAT_C_CELL, MAT_T_CELL, 2, size, cells.data(), 0);
}

// Makes a struct array. `values` holds the fields of the first element, then those of the second, and so on.
inline matvar_t* NewMatStructs(const std::string& name, std::vector<const char*> fields, const std::vector<matvar_t*>& values) {
  size_t size[] = {1, values.size() / fields.size()};
  matvar_t* const structs = Mat_VarCreateStruct(name.c_str(), 2, size, fields.data(), static_cast<unsigned>(fields.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    Mat_VarSetStructFieldByIndex(structs, i % fields.size(), i / fields.size(), values[i]);
  }
  return structs;
}

// Writes the variables to a file, and frees them.
inline void WriteMatFile(const std::string& path, const std::vector<matvar_t*>& variables) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  mat_t* const file = Mat_CreateVer(path.c_str(), nullptr, MAT_FT_MAT5);
  for (matvar_t* const variable : variables) {
    Mat_VarWrite(file, variable, MAT_COMPRESSION_NONE);
    Mat_VarFree(variable);
  }
  Mat_Close(file);
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_DATASET_MAT_FIXTURE_H_
