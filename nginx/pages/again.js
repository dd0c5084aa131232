setTimeout(() => location.reload(), 10000);
