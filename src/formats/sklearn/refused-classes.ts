const TRAINING_ALONE =
  'it answers for the rows of its training alone, and scikit-learn has no predict or transform of new rows for it: take KMeans, PCA or another class that has';
const DENSITY =
  'it has neither predict nor transform, of which a graph is made: put an estimator with one of these in its place';
const SHARED_END =
  'its transform is an iteration that ends by the sum over all rows, so that an answer would depend on the rows beside it: take TruncatedSVD or PCA';
const OPEN_ROWS =
  'a row of a table has the same columns each time, and not any keys: take OneHotEncoder, or HashingVectorizer for texts';

const reasons = (reason: string, ...names: readonly string[]) => names.map((name) => [name, reason] as const);

/** Why a class of scikit-learn is not converted, by its name, where that is more than that nobody wrote it. */
export const REFUSED_CLASSES: ReadonlyMap<string, string> = new Map([
  ...reasons(TRAINING_ALONE, 'AgglomerativeClustering', 'DBSCAN', 'HDBSCAN', 'OPTICS', 'SpectralClustering'),
  ...reasons(TRAINING_ALONE, 'SpectralBiclustering', 'SpectralCoclustering', 'SpectralEmbedding', 'TSNE', 'MDS'),
  ...reasons(TRAINING_ALONE, 'ClassicalMDS'),
  ...reasons(DENSITY, 'KernelDensity', 'NearestNeighbors', 'EmpiricalCovariance', 'ShrunkCovariance', 'LedoitWolf'),
  ...reasons(DENSITY, 'OAS', 'MinCovDet', 'GraphicalLasso', 'GraphicalLassoCV'),
  ...reasons(OPEN_ROWS, 'FeatureHasher', 'DictVectorizer'),
  ...reasons(SHARED_END, 'NMF', 'MiniBatchNMF'),
]);
