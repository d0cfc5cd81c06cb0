/* h5_link.c - how objects of an HDF5 file name each other: links, references, dimension scales. */
#include "io/h5_internal.h"
#include "nrflv/memory.h"

#include <hdf5_hl.h>

/* ---- Links ---- */

static hid_t intermediate_groups(void)
{
  const hid_t list = H5Pcreate(H5P_LINK_CREATE);
  if (list >= 0 && H5Pset_create_intermediate_group(list, 1) >= 0) return list;
  nrf_h5_release(list);
  return H5I_INVALID_HID;
}

nrf_status nrf_h5_link_hard(nrf_h5_file *file, const char *target, const char *name)
{
  const hid_t      list = intermediate_groups();
  const nrf_status st   = nrf_h5_written(
        file, list < 0 ? -1 : H5Lcreate_hard(file->id, target, file->id, name, list, H5P_DEFAULT), "link",
        name);
  nrf_h5_release(list);
  return st;
}

nrf_status nrf_h5_link_soft(nrf_h5_file *file, const char *target, const char *name)
{
  const hid_t      list = intermediate_groups();
  const nrf_status st   = nrf_h5_written(
        file, list < 0 ? -1 : H5Lcreate_soft(target, file->id, name, list, H5P_DEFAULT), "link", name);
  nrf_h5_release(list);
  return st;
}

/* ---- References ---- */

static nrf_status refer_to(const nrf_h5_file *file, const char *target, hobj_ref_t *out)
{
  return nrf_h5_written(file, H5Rcreate(out, file->id, target, H5R_OBJECT, H5I_INVALID_HID), "refer to",
                        target);
}

nrf_status nrf_h5_write_references(nrf_h5_file *file, const char *name, int64_t count,
                                   const char *const target[])
{
  nrf_status    st     = NRF_OK;
  const hsize_t length = (hsize_t)count;
  void         *memory = NULL;
  hid_t         space = H5I_INVALID_HID, dataset = H5I_INVALID_HID, layout = H5I_INVALID_HID;

  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)count * sizeof(hobj_ref_t), name, &memory));
  hobj_ref_t *reference = memory;
  for (int64_t i = 0; i < count; i++) NRF_TRY(refer_to(file, target[i], &reference[i]));
  space  = H5Screate_simple(1, &length, NULL);
  layout = H5Pcreate(H5P_DATASET_CREATE);
  if (space >= 0 && layout >= 0 && H5Pset_obj_track_times(layout, 0) >= 0)
    dataset = H5Dcreate2(file->id, name, H5T_STD_REF_OBJ, space, H5P_DEFAULT, layout, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, dataset, "create", name));
  NRF_TRY(nrf_h5_written(file, H5Dwrite(dataset, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, reference),
                         "write", name));
done:
  nrf_h5_release(dataset);
  nrf_h5_release(layout);
  nrf_h5_release(space);
  nrf_free(memory);
  return st;
}

/* ---- Dimension scales ----
 * The HDF5 Dimension Scale Specification: a scale has the attribute CLASS = "DIMENSION_SCALE"; a data set's DIMENSION_LIST refers to
 * the scales of each of its dimensions; a scale's REFERENCE_LIST refers back. The library would write that list anew for every user,
 * which is why it is written here, once. */

/* An attribute of one dimension, of any type. */
static nrf_status write_list(const nrf_h5_file *file, const char *object, const char *name, hid_t type,
                             hsize_t length, const void *data)
{
  nrf_status  st        = NRF_OK;
  hid_t       attribute = H5I_INVALID_HID;
  const hid_t holder    = H5Oopen(file->id, object, H5P_DEFAULT);
  const hid_t space     = H5Screate_simple(1, &length, NULL);

  if (type >= 0 && holder >= 0 && space >= 0)
    attribute = H5Acreate2(holder, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, attribute, "give dimensions to", object));
  NRF_TRY(nrf_h5_written(file, H5Awrite(attribute, type, data), "give dimensions to", object));
done:
  nrf_h5_release(attribute);
  nrf_h5_release(space);
  nrf_h5_release(holder);
  return st;
}

nrf_status nrf_h5_make_scale(nrf_h5_file *file, const char *dataset, const char *dimension)
{
  const hid_t      id = H5Dopen2(file->id, dataset, H5P_DEFAULT);
  const nrf_status st =
      nrf_h5_written(file, id < 0 ? -1 : H5DSset_scale(id, dimension), "make a scale of", dataset);
  nrf_h5_release(id);
  return st;
}

nrf_status nrf_h5_use_scales(nrf_h5_file *file, const char *dataset, int rank, const char *const scale[])
{
  hobj_ref_t reference[NRF_H5_MAX_RANK];
  hvl_t      list[NRF_H5_MAX_RANK]; /* a dimension may have several scales: a list each */
  if (rank < 1 || rank > NRF_H5_MAX_RANK)
    return nrf_error(NRF_EINVAL, "%s: '%s': %d dimensions", file->path, dataset, rank);
  for (int i = 0; i < rank; i++) {
    NRF_RETURN_IF_ERROR(refer_to(file, scale[i], &reference[i]));
    list[i] = (hvl_t){1, &reference[i]};
  }
  const hid_t      type = H5Tvlen_create(H5T_STD_REF_OBJ);
  const nrf_status st   = write_list(file, dataset, "DIMENSION_LIST", type, (hsize_t)rank, list);
  nrf_h5_release(type);
  return st;
}

/* The layout that the specification gives. */
typedef struct scale_use {
  hobj_ref_t reference;
  int        dimension;
} scale_use;

static hid_t scale_use_type(void)
{
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(scale_use));
  if (type >= 0 && H5Tinsert(type, "dataset", offsetof(scale_use, reference), H5T_STD_REF_OBJ) >= 0 &&
      H5Tinsert(type, "dimension", offsetof(scale_use, dimension), H5T_NATIVE_INT) >= 0)
    return type;
  nrf_h5_release(type);
  return H5I_INVALID_HID;
}

nrf_status nrf_h5_list_scale_users(nrf_h5_file *file, const char *scale, int64_t count,
                                   const nrf_h5_scale_user user[])
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  hid_t      type   = H5I_INVALID_HID;

  if (count < 1 || count > NRF_H5_MAX_SCALE_USERS)
    return nrf_error(NRF_EINVAL, "%s: '%s' cannot be the scale of %lld data sets, at most of %d", file->path,
                     scale, (long long)count, NRF_H5_MAX_SCALE_USERS);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)count * sizeof(scale_use), scale, &memory));
  scale_use *use = memory; /* zeroed, padding too: equal contents make equal files */
  for (int64_t i = 0; i < count; i++) {
    NRF_TRY(refer_to(file, user[i].dataset, &use[i].reference));
    use[i].dimension = user[i].dimension;
  }
  type = scale_use_type();
  NRF_TRY(write_list(file, scale, "REFERENCE_LIST", type, (hsize_t)count, use));
done:
  nrf_h5_release(type);
  nrf_free(memory);
  return st;
}
