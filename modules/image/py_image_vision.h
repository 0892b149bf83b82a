// SPDX-License-Identifier: MIT
// The methods of Image that the vision core gives, by group.
#ifndef K210_PY_IMAGE_VISION_H
#define K210_PY_IMAGE_VISION_H

#include "py/obj.h"
#include "image_config.h"

MP_DECLARE_CONST_FUN_OBJ_KW(py_image_binary_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_image_invert_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_erode_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_dilate_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_open_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_close_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_top_hat_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_black_hat_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_add_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_sub_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_mul_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_div_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_min_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_max_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_difference_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_blend_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_gamma_corr_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_histeq_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_stretch_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_strech_char_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_image_chrominvar_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_image_illuminvar_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_remove_shadows_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_flood_fill_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_cartoon_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_mean_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_median_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_mode_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_midpoint_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_bilateral_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_laplacian_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_morph_obj);
MP_DECLARE_CONST_FUN_OBJ_2(py_image_conv3_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_to_rainbow_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_replace_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_gaussian_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_and_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_nand_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_or_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_nor_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_xor_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_b_xnor_obj);
MP_DECLARE_CONST_FUN_OBJ_2(py_image_get_similarity_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_get_histogram_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_get_statistics_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_blobs_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_get_regression_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_lines_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_line_segments_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_circles_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_rects_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_edges_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_mean_pool_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_mean_pooled_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_midpoint_pool_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_midpoint_pooled_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_lens_corr_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_rotation_corr_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_linpolar_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_logpolar_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_template_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_displacement_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_keypoints_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_lbp_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_keypoints_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_features_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_eye_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_hog_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_domain_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_selective_search_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_qrcodes_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_barcodes_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_apriltags_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_find_datamatrices_obj);

// Functions of the module.
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_match_descriptor_obj);
MP_DECLARE_CONST_FUN_OBJ_2(py_image_save_descriptor_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_image_load_descriptor_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_haar_cascade_obj);

// The whole file as bytes.
mp_obj_t py_read_file(mp_obj_t path);

#if IMAGE_WITH_FILTERS
#define IMAGE_FILTERS_METHODS \
    { MP_ROM_QSTR(MP_QSTR_binary), MP_ROM_PTR(&py_image_binary_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_invert), MP_ROM_PTR(&py_image_invert_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_erode), MP_ROM_PTR(&py_image_erode_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_dilate), MP_ROM_PTR(&py_image_dilate_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&py_image_open_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&py_image_close_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_top_hat), MP_ROM_PTR(&py_image_top_hat_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_black_hat), MP_ROM_PTR(&py_image_black_hat_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_add), MP_ROM_PTR(&py_image_add_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_sub), MP_ROM_PTR(&py_image_sub_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mul), MP_ROM_PTR(&py_image_mul_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_div), MP_ROM_PTR(&py_image_div_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_min), MP_ROM_PTR(&py_image_min_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_max), MP_ROM_PTR(&py_image_max_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_difference), MP_ROM_PTR(&py_image_difference_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_blend), MP_ROM_PTR(&py_image_blend_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_gamma_corr), MP_ROM_PTR(&py_image_gamma_corr_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_histeq), MP_ROM_PTR(&py_image_histeq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_stretch), MP_ROM_PTR(&py_image_stretch_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_strech_char), MP_ROM_PTR(&py_image_strech_char_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_chrominvar), MP_ROM_PTR(&py_image_chrominvar_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_illuminvar), MP_ROM_PTR(&py_image_illuminvar_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_remove_shadows), MP_ROM_PTR(&py_image_remove_shadows_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_flood_fill), MP_ROM_PTR(&py_image_flood_fill_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_cartoon), MP_ROM_PTR(&py_image_cartoon_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mean), MP_ROM_PTR(&py_image_mean_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_median), MP_ROM_PTR(&py_image_median_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mode), MP_ROM_PTR(&py_image_mode_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_midpoint), MP_ROM_PTR(&py_image_midpoint_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_bilateral), MP_ROM_PTR(&py_image_bilateral_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_laplacian), MP_ROM_PTR(&py_image_laplacian_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_morph), MP_ROM_PTR(&py_image_morph_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_conv3), MP_ROM_PTR(&py_image_conv3_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_to_rainbow), MP_ROM_PTR(&py_image_to_rainbow_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_negate), MP_ROM_PTR(&py_image_invert_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_replace), MP_ROM_PTR(&py_image_replace_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_assign), MP_ROM_PTR(&py_image_replace_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&py_image_replace_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_gaussian), MP_ROM_PTR(&py_image_gaussian_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_blur), MP_ROM_PTR(&py_image_gaussian_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_gaussian_blur), MP_ROM_PTR(&py_image_gaussian_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_and), MP_ROM_PTR(&py_image_b_and_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_and), MP_ROM_PTR(&py_image_b_and_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_nand), MP_ROM_PTR(&py_image_b_nand_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_nand), MP_ROM_PTR(&py_image_b_nand_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_or), MP_ROM_PTR(&py_image_b_or_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_or), MP_ROM_PTR(&py_image_b_or_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_nor), MP_ROM_PTR(&py_image_b_nor_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_nor), MP_ROM_PTR(&py_image_b_nor_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_xor), MP_ROM_PTR(&py_image_b_xor_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_xor), MP_ROM_PTR(&py_image_b_xor_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_b_xnor), MP_ROM_PTR(&py_image_b_xnor_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_xnor), MP_ROM_PTR(&py_image_b_xnor_obj) },
#else
#define IMAGE_FILTERS_METHODS
#endif

#if IMAGE_WITH_STATISTICS
#define IMAGE_STATISTICS_METHODS \
    { MP_ROM_QSTR(MP_QSTR_get_similarity), MP_ROM_PTR(&py_image_get_similarity_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_histogram), MP_ROM_PTR(&py_image_get_histogram_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_hist), MP_ROM_PTR(&py_image_get_histogram_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_histogram), MP_ROM_PTR(&py_image_get_histogram_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_statistics), MP_ROM_PTR(&py_image_get_statistics_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_stats), MP_ROM_PTR(&py_image_get_statistics_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_statistics), MP_ROM_PTR(&py_image_get_statistics_obj) },
#else
#define IMAGE_STATISTICS_METHODS
#endif

#if IMAGE_WITH_SHAPES
#define IMAGE_SHAPES_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_blobs), MP_ROM_PTR(&py_image_find_blobs_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_regression), MP_ROM_PTR(&py_image_get_regression_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_lines), MP_ROM_PTR(&py_image_find_lines_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_line_segments), MP_ROM_PTR(&py_image_find_line_segments_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_circles), MP_ROM_PTR(&py_image_find_circles_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_rects), MP_ROM_PTR(&py_image_find_rects_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_edges), MP_ROM_PTR(&py_image_find_edges_obj) },
#else
#define IMAGE_SHAPES_METHODS
#endif

#if IMAGE_WITH_GEOMETRY
#define IMAGE_GEOMETRY_METHODS \
    { MP_ROM_QSTR(MP_QSTR_mean_pool), MP_ROM_PTR(&py_image_mean_pool_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mean_pooled), MP_ROM_PTR(&py_image_mean_pooled_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_midpoint_pool), MP_ROM_PTR(&py_image_midpoint_pool_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_midpoint_pooled), MP_ROM_PTR(&py_image_midpoint_pooled_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_lens_corr), MP_ROM_PTR(&py_image_lens_corr_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_rotation_corr), MP_ROM_PTR(&py_image_rotation_corr_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_linpolar), MP_ROM_PTR(&py_image_linpolar_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_logpolar), MP_ROM_PTR(&py_image_logpolar_obj) },
#else
#define IMAGE_GEOMETRY_METHODS
#endif

#if IMAGE_WITH_MATCHING
#define IMAGE_MATCHING_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_template), MP_ROM_PTR(&py_image_find_template_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_displacement), MP_ROM_PTR(&py_image_find_displacement_obj) },
#else
#define IMAGE_MATCHING_METHODS
#endif

#if IMAGE_WITH_FEATURES
#define IMAGE_FEATURES_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_keypoints), MP_ROM_PTR(&py_image_find_keypoints_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_lbp), MP_ROM_PTR(&py_image_find_lbp_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_draw_keypoints), MP_ROM_PTR(&py_image_draw_keypoints_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_features), MP_ROM_PTR(&py_image_find_features_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_eye), MP_ROM_PTR(&py_image_find_eye_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_hog), MP_ROM_PTR(&py_image_find_hog_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_find_domain), MP_ROM_PTR(&py_image_find_domain_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_selective_search), MP_ROM_PTR(&py_image_selective_search_obj) },
#else
#define IMAGE_FEATURES_METHODS
#endif

#if IMAGE_WITH_QRCODES
#define IMAGE_QRCODES_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_qrcodes), MP_ROM_PTR(&py_image_find_qrcodes_obj) },
#else
#define IMAGE_QRCODES_METHODS
#endif

#if IMAGE_WITH_BARCODES
#define IMAGE_BARCODES_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_barcodes), MP_ROM_PTR(&py_image_find_barcodes_obj) },
#else
#define IMAGE_BARCODES_METHODS
#endif

#if IMAGE_WITH_APRILTAGS
#define IMAGE_APRILTAGS_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_apriltags), MP_ROM_PTR(&py_image_find_apriltags_obj) },
#else
#define IMAGE_APRILTAGS_METHODS
#endif

#if IMAGE_WITH_DATAMATRICES
#define IMAGE_DATAMATRICES_METHODS \
    { MP_ROM_QSTR(MP_QSTR_find_datamatrices), MP_ROM_PTR(&py_image_find_datamatrices_obj) },
#else
#define IMAGE_DATAMATRICES_METHODS
#endif

#define IMAGE_VISION_METHODS \
    IMAGE_FILTERS_METHODS \
    IMAGE_STATISTICS_METHODS \
    IMAGE_SHAPES_METHODS \
    IMAGE_GEOMETRY_METHODS \
    IMAGE_MATCHING_METHODS \
    IMAGE_FEATURES_METHODS \
    IMAGE_QRCODES_METHODS \
    IMAGE_BARCODES_METHODS \
    IMAGE_APRILTAGS_METHODS \
    IMAGE_DATAMATRICES_METHODS

#endif
