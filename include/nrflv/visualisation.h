/* visualisation.h - looking at a trained model: nrflv --viz and nrflv --weight_viz (spec/system.md 4).
 *
 * The model is that of --load_model, or the newest there is. Everything goes to exps/samples/NAME/, beside what the model
 * drew while it was trained; NAME is the loaded model's own name, so that pictures are found by the model they show. (The
 * published implementation made a new name in every session, and a list of which name showed what.) --model_name chooses
 * another folder.
 *
 *   --viz_type standard     lyr0NNNNNN.png          the image layer after NNNNNN steps: 0, every
 *                                                   --viz_img_logging_step_interval, and the last
 *              channels_*   lyrL_chC_NNNNNN.png     the same for channel C of layer L, one run each
 *                           lyrL.png                the first 16 images of every channel at its end, a row each
 *   --viz_gif               lyr0.gif, lyrL_chC.gif  a run's pictures as an animation
 *   both                    viz_standard.txt, viz_channels.txt
 *                                                   what the pictures were made with
 *   --weight_viz            weights_lyrL.png        what the network of layer L reads
 *
 * Pictures that were made with other settings, or by other weights, are never mixed with new ones: they are moved to a folder
 * earlier_K/, and the user is told. Runs that are complete are not done again. */
#ifndef NRFLV_VISUALISATION_H
#define NRFLV_VISUALISATION_H

#include "nrflv/progress.h"
#include "nrflv/settings.h"
#include "nrflv/status.h"

/* Lets the model generate, by --viz_type; see visualisation_field.h for what is done in a run. Says how many steps there will be,
 * and after the first ones how long it will take. A stop request, or the end of --max_hours, ends it after the step at
 * hand with NRF_EINTERRUPTED: complete runs stay, with their summary, and the same settings go on with the run that was
 * broken off. NRF_EINVAL for layers and channels that the model does not have. settings must be finished; progress may
 * be NULL. */
NRF_MUST_CHECK nrf_status nrf_visualise(const nrf_settings *settings, const nrf_progress *progress);

/* Draws, for every layer, the weights with which its network reads each of its inputs, normalised as they are used: one
 * sheet per layer (weight_sheet.h). */
NRF_MUST_CHECK nrf_status nrf_draw_weights(const nrf_settings *settings, const nrf_progress *progress);

#endif
