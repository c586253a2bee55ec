/** Attributes that scikit-learn fits to finite numbers alone, by the first of their names. */
const FINITE: ReadonlySet<string> = new Set([
  ...['coef_', '_coef_', 'intercept_', '_intercept_', 'coefs_', 'intercepts_', '_baseline_prediction'],
  ...['support_vectors_', 'dual_coef_', '_dual_coef_', '_probA', '_probB', '_gamma', 'gamma', 'gamma_', 'X_fit_'],
  ...['cluster_centers_', 'subcluster_centers_', 'subcluster_labels_', 'center', '_X_mean', 'centroids_', '_y'],
  ...['means_', 'weights_', 'precisions_cholesky_', 'weight_concentration_', 'degrees_of_freedom_', 'mean_precision_'],
  ...['components_', 'mean_', 'noise_variance_', 'normalization_', 'random_weights_', 'random_offset_'],
  ...['eigenvalues_', 'eigenvectors_', 'K_fit_rows_', 'K_fit_all_', '_x_mean', '_x_std', 'within_class_std_dev_'],
  ...['xbar_', 'scalings_', 'rotations_', 'priors_', 'theta_', 'var_', 'class_prior_', '_fit_X', 'X_'],
  ...['label_distributions_', 'location_', 'precision_', 'offset_', '_distances_fit_X_', '_lrd'],
  ...['X_train_', 'y_train_', 'alpha_', 'L_', 'pi_', 'W_sr_', '_y_train_mean', '_y_train_std'],
  ...['length_scale', 'periodicity', 'constant_value', 'noise_level', 'sigma_0', 'exponent', 'alpha'],
  ...[
    'estimator_weights_',
    'learning_rate',
    'code_book_',
    'coef0',
    'degree',
    'power',
    'a_',
    'b_',
    'beta_',
    'X_thresholds_',
    'y_thresholds_',
  ],
]);

/** Classes that are fitted on missing numbers, too, or on columns that have nothing else. */
const TAKES_MISSING = /(?:Imputer|Scaler|Transformer)$/;

/** The first number of the attribute `name` that is NaN or infinite, where scikit-learn could not have fitted it. */
export const findUnfitted = (className: string, name: string, values: ArrayLike<number>): number | undefined => {
  if (!FINITE.has(name) || TAKES_MISSING.test(className)) return undefined;
  for (let index = 0; index < values.length; index += 1)
    if (!Number.isFinite(values[index])) return values[index] ?? Number.NaN;
  return undefined;
};
