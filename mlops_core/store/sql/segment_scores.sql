-- name: read_segment_scores
-- The labelled counts of one version in a window, of every segment, live and replayed.
select segment_column, segment, chunk, label, bins, counts,
    squared_error, squared_error_squares, log_loss, log_loss_squares
from score_profiles
where model = $model and version = $version and chunk >= $start and chunk < $end
    and segment_column <> '' and label is not null
order by segment_column, segment, chunk, label;
