/* status.h - how errors travel: a code that says what kind, and a message that says what, where and
 * what to do. Library code returns a status and never prints or exits; only src/cli/ does. */
#ifndef NRFLV_STATUS_H
#define NRFLV_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nrf_status {
  NRF_OK = 0,
  NRF_EINVAL,       /* a value that makes no sense: option, setting, argument      */
  NRF_EIO,          /* the operating system refused: open, read, write, rename     */
  NRF_ENOSPACE,     /* disk full or quota reached                                  */
  NRF_EFORMAT,      /* a file that is truncated, corrupt or not what it should be  */
  NRF_ESHAPE,       /* shapes that do not fit each other                           */
  NRF_ENOMEM,       /* memory could not be had                                     */
  NRF_ENETWORK,     /* a download failed                                           */
  NRF_ENOTFOUND,    /* a name or file that does not exist                          */
  NRF_EDIVERGED,    /* an energy or a state became NaN or infinite                 */
  NRF_EUNSUPPORTED, /* asked for something this build or backend does not have     */
  NRF_EINTERRUPTED, /* stopped on request (signal, time limit); state was saved    */
} nrf_status;

#define NRF_MUST_CHECK        __attribute__((warn_unused_result))
#define NRF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Records a message for this thread and returns `code`. The message is one line without a full stop
 * or newline, begins with the object at fault ("exps/models/a.h5: ..."), and is truncated at 1023 bytes. */
nrf_status nrf_error(nrf_status code, const char *fmt, ...) NRF_PRINTF(2, 3);

/* Puts "prefix: " before the recorded message and returns `code`; NRF_OK passes through untouched. */
nrf_status nrf_error_context(nrf_status code, const char *fmt, ...) NRF_PRINTF(2, 3);

/* As nrf_error, for a failed system call: appends strerror(errno), and chooses NRF_ENOSPACE for
 * ENOSPC and EDQUOT, NRF_ENOMEM for ENOMEM, NRF_EIO otherwise. */
nrf_status nrf_error_errno(const char *fmt, ...) NRF_PRINTF(1, 2);

/* The message of this thread's last nrf_error*(); "" if there was none. Valid until the next one. */
const char *nrf_error_message(void);

/* The static analyser looks at one file at a time: tell it that these never return NRF_OK for an error. */
#if defined(__clang_analyzer__) && !defined(NRF_STATUS_FUNCTIONS)
#define nrf_error(code, ...)         ((void)nrf_error(code, __VA_ARGS__), (code))
#define nrf_error_context(code, ...) ((void)nrf_error_context(code, __VA_ARGS__), (code))
#define nrf_error_errno(...)         ((void)nrf_error_errno(__VA_ARGS__), NRF_EIO)
#endif

/* Detect once, forward untouched: both need a local `nrf_status st = NRF_OK;` and a label `done:`. */
#define NRF_TRY(call)            \
  do {                           \
    st = (call);                 \
    if (st != NRF_OK) goto done; \
  } while (0)

#define NRF_FAIL(...)            \
  do {                           \
    st = nrf_error(__VA_ARGS__); \
    goto done;                   \
  } while (0)

/* For functions with nothing to clean up. */
#define NRF_RETURN_IF_ERROR(call)  \
  do {                             \
    nrf_status st_ = (call);       \
    if (st_ != NRF_OK) return st_; \
  } while (0)

#ifdef __cplusplus
}
#endif
#endif
