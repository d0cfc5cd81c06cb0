/* h5_placed.c - contiguous data sets with an address. */
#include "io/h5_placed.h"

#include "io/h5_internal.h"

size_t nrf_h5_type_bytes(nrf_h5_type type)
{
  return nrf_h5_type_info(type).size;
}

nrf_status nrf_h5_create_placed(nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape)
{
  hsize_t     dims[NRF_H5_MAX_RANK];
  hid_t       dataset = H5I_INVALID_HID;
  const hid_t links   = H5Pcreate(H5P_LINK_CREATE);
  const hid_t list    = H5Pcreate(H5P_DATASET_CREATE);
  for (int i = 0; i < shape.rank; i++) dims[i] = (hsize_t)shape.dim[i];
  const hid_t space = shape.rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape.rank, dims, NULL);
  if (links >= 0 && list >= 0 && space >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0 &&
      H5Pset_obj_track_times(list, 0) >= 0 && H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 &&
      H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0)
    dataset = H5Dcreate2(file->id, name, nrf_h5_type_info(type).file, space, links, list, H5P_DEFAULT);
  const nrf_status st = nrf_h5_written(file, dataset, "create", name);
  nrf_h5_release(dataset);
  nrf_h5_release(space);
  nrf_h5_release(list);
  nrf_h5_release(links);
  return st;
}

static bool is_shape(nrf_h5_shape a, nrf_h5_shape b)
{
  for (int i = 0; i < a.rank && a.rank == b.rank; i++)
    if (a.dim[i] != b.dim[i]) return false;
  return a.rank == b.rank;
}

nrf_status nrf_h5_find_placed(const nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                              int64_t *address)
{
  nrf_h5_shape found;
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, name, &found));
  if (!is_shape(found, shape))
    return nrf_error(NRF_ESHAPE, "%s: '%s' has not the shape it should have", file->path, name);
  const hid_t   dataset = H5Dopen2(file->id, name, H5P_DEFAULT);
  const hid_t   stored  = dataset < 0 ? H5I_INVALID_HID : H5Dget_type(dataset);
  const bool    is_type = stored >= 0 && H5Tequal(stored, nrf_h5_type_info(type).file) > 0;
  const haddr_t place   = is_type ? H5Dget_offset(dataset) : HADDR_UNDEF;
  nrf_h5_release(stored);
  nrf_h5_release(dataset);
  if (!is_type)
    return nrf_error(NRF_EFORMAT, "%s: '%s' does not hold %s", file->path, name, nrf_h5_type_info(type).name);
  if (place == HADDR_UNDEF || place > INT64_MAX)
    return nrf_error(NRF_EFORMAT, "%s: '%s' is not contiguous: the file was repacked", file->path, name);
  *address = (int64_t)place;
  return NRF_OK;
}
